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
        boolean calls = isFunction(world);
        text.append("public final class ").append(NAME);
        text.append(calls ? " extends " + world.exports + ".Calls {\n" : " {\n");
        text.append("    public static void main(String[] arguments) {\n");
        if (named.decimals()) {
            text.append("        millrace.runtime.ValueClasses.linkDecimals();\n");
        }
        if (named.times()) {
            text.append("        millrace.runtime.ValueClasses.linkTimes();\n");
        }
        String made = calls ? NAME : function.getCanonicalName();
        text.append("        ").append(world.exports).append(".install(() -> new ").append(made).append("());\n    }\n");
        if (calls) {
            text.append(FunctionEntry.members(world, function));
        }
        text.append("}\n");
        return new Request.Source(NAME + ".java", text.toString());
    }

    private static boolean isFunction(World world) {
        return world == World.SCALAR_FUNCTION || world == World.TABLE_FUNCTION || world == World.AGGREGATE_FUNCTION;
    }
}
