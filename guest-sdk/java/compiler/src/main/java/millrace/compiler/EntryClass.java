package millrace.compiler;

/** The class that starts a component: generated in the tenant's package, so that what is package-private is reached too. */
final class EntryClass {
    static final String NAME = "MillraceEntry";

    private EntryClass() {}

    static String fullName(Class<?> function) {
        String of = function.getPackageName();
        return of.isEmpty() ? NAME : of + "." + NAME;
    }

    /** Its source. */
    static Request.Source source(World world, Class<?> function, NamedClasses named) {
        StringBuilder text = new StringBuilder();
        if (!function.getPackageName().isEmpty()) {
            text.append("package ").append(function.getPackageName()).append(";\n");
        }
        text.append("public final class ").append(NAME).append(" {\n");
        text.append("    public static void main(String[] arguments) {\n");
        if (named.decimals()) {
            text.append("        millrace.runtime.ValueClasses.linkDecimals();\n");
        }
        if (named.times()) {
            text.append("        millrace.runtime.ValueClasses.linkTimes();\n");
        }
        text.append("        ").append(world.exports).append(".install(").append(body(world, function)).append(");\n");
        text.append("    }\n}\n");
        return new Request.Source(NAME + ".java", text.toString());
    }

    private static String body(World world, Class<?> function) {
        return "() -> new " + function.getCanonicalName() + "()";
    }
}
