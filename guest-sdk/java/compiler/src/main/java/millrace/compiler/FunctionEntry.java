package millrace.compiler;

import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The entry class of SQL functions: direct calls of the tenant's methods, found here by reflection, with arguments taken
 * from columns and results set there.
 */
final class FunctionEntry {
    private final World world;
    private final Class<?> function;
    private final String name;
    private final StringBuilder signatures = new StringBuilder();
    private final StringBuilder body = new StringBuilder();

    private FunctionEntry(World world, Class<?> function) {
        this.world = world;
        this.function = function;
        this.name = function.getCanonicalName();
    }

    /** Members of the entry class. */
    static String members(World world, Class<?> function) {
        FunctionEntry entry = new FunctionEntry(world, function);
        switch (world) {
            case SCALAR_FUNCTION -> entry.scalar();
            case TABLE_FUNCTION -> entry.table();
            default -> entry.aggregate();
        }
        entry.line("    private final " + entry.name + " function = new " + entry.name + "();");
        String base = world == World.TABLE_FUNCTION
            ? "org.apache.flink.table.functions.TableFunction<?>"
            : "org.apache.flink.table.functions.UserDefinedFunction";
        entry.line("    public " + base + " function() { return function; }");
        String text = entry.signatures.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\t", "\\t").replace("\n", "\\n");
        entry.line("    public String signatures() { return \"" + text + "\"; }");
        return entry.body.toString();
    }

    private void line(String text) {
        body.append(text).append('\n');
    }

    /** Public methods of that name, in an order that stays. */
    private List<Method> methods(String wanted) {
        List<Method> found = new ArrayList<>();
        for (Method method : function.getMethods()) {
            if (method.getName().equals(wanted) && !method.isBridge() && !Modifier.isAbstract(method.getModifiers())) {
                found.add(method);
            }
        }
        found.sort(Comparator.comparing((Method method) -> Arrays.toString(method.getParameterTypes())));
        return found;
    }

    private List<Method> required(String wanted) {
        List<Method> found = methods(wanted);
        if (found.isEmpty()) {
            throw new BuildFailure("class `" + function.getName() + "` has no public method `" + wanted + "`", null);
        }
        return found;
    }

    private String place(Method method) {
        return function.getName() + "." + method.getName();
    }

    /** Adds a signature: parameters from this one on, and the columns of the result. */
    private void signature(Method method, int first, List<SqlType> result, boolean retracts, boolean merges) {
        List<Annotation> hints = Hints.functionHints(method);
        hints.addAll(Hints.functionHints(function));
        Parameter[] parameters = method.getParameters();
        int count = parameters.length - first;
        signatures.append("S\t").append(method.isVarArgs() ? 1 : 0).append('\t').append(retracts ? 1 : 0).append('\t');
        signatures.append(merges ? 1 : 0).append('\t').append(count).append('\t').append(result.size()).append('\n');
        for (int i = first; i < parameters.length; i++) {
            SqlType hinted = Hints.type(parameters[i].getAnnotations());
            hinted = hinted != null ? hinted : Hints.input(hints, i - first, count);
            Type type = parameters[i].getParameterizedType();
            if (method.isVarArgs() && i == parameters.length - 1) {
                type = JavaTypes.raw(type).getComponentType();
            }
            SqlType sql = hinted != null ? hinted : JavaTypes.sql(type, place(method) + ", parameter " + parameters[i].getName());
            // What Java cannot hold, SQL does not pass.
            sql = JavaTypes.raw(type).isPrimitive() ? sql.withNulls(false) : sql;
            sql.named(parameters[i].getName()).write(signatures);
        }
        result.forEach(column -> column.write(signatures));
    }

    private SqlType result(Method method, Type type) {
        List<Annotation> hints = Hints.functionHints(method);
        hints.addAll(Hints.functionHints(function));
        SqlType hinted = Hints.type(method.getAnnotations());
        hinted = hinted != null ? hinted : Hints.output(hints);
        hinted = hinted != null ? hinted : Hints.type(function.getAnnotations());
        return (hinted != null ? hinted : JavaTypes.sql(type, place(method) + ", result")).named("result");
    }

    /** Arguments of a call, from columns. */
    private String arguments(Method method, int first) {
        List<String> arguments = new ArrayList<>();
        Class<?>[] types = method.getParameterTypes();
        for (int i = first; i < types.length; i++) {
            if (method.isVarArgs() && i == types.length - 1) {
                arguments.add("rest");
            } else {
                arguments.add(value(types[i], String.valueOf(i - first), place(method)));
            }
        }
        return String.join(", ", arguments);
    }

    /** A statement that makes the array of a variadic parameter. */
    private String rest(Method method, int first) {
        if (!method.isVarArgs()) {
            return "";
        }
        Class<?>[] types = method.getParameterTypes();
        Class<?> element = types[types.length - 1].getComponentType();
        int fixed = types.length - 1 - first;
        String array = element.getCanonicalName();
        return array + "[] rest = new " + array + "[in.size() - " + fixed + "]; for (int i = 0; i < rest.length; i++) rest[i] = "
            + value(element, "i + " + fixed, place(method)) + "; ";
    }

    private static String value(Class<?> type, String column, String place) {
        String nullable = "in.isNull(" + column + ") ? null : ";
        switch (type.getName()) {
            case "boolean":
                return "in.getBoolean(" + column + ")";
            case "byte":
                return "(byte) in.getInt(" + column + ")";
            case "short":
                return "(short) in.getInt(" + column + ")";
            case "int":
                return "in.getInt(" + column + ")";
            case "long":
                return "in.getLong(" + column + ")";
            case "float":
                return "in.getFloat(" + column + ")";
            case "double":
                return "in.getDouble(" + column + ")";
            case "java.lang.Boolean":
                return nullable + "(Boolean) in.getBoolean(" + column + ")";
            case "java.lang.Byte":
                return nullable + "(Byte) (byte) in.getInt(" + column + ")";
            case "java.lang.Short":
                return nullable + "(Short) (short) in.getInt(" + column + ")";
            case "java.lang.Integer":
                return nullable + "(Integer) in.getInt(" + column + ")";
            case "java.lang.Long":
                return nullable + "(Long) in.getLong(" + column + ")";
            case "java.lang.Float":
                return nullable + "(Float) in.getFloat(" + column + ")";
            case "java.lang.Double":
                return nullable + "(Double) in.getDouble(" + column + ")";
            case "java.lang.String":
                return "in.getString(" + column + ")";
            case "[B":
                return "in.getBytes(" + column + ")";
            case "java.math.BigDecimal":
                return "in.getDecimal(" + column + ")";
            case "java.time.LocalDate":
                return "in.getDate(" + column + ")";
            case "java.time.LocalTime":
                return "in.getTime(" + column + ")";
            case "java.time.LocalDateTime":
                return "in.getTimestamp(" + column + ")";
            case "java.time.Instant":
                return "in.getInstant(" + column + ")";
            case "java.util.List":
                return "(java.util.List) in.getList(" + column + ")";
            case "java.util.Map":
                return "(java.util.Map) in.getMap(" + column + ")";
            case "java.lang.Object":
                return "in.get(" + column + ")";
            case "org.apache.flink.types.Row":
                return "millrace.runtime.Values.flinkRow(in.getRow(" + column + "))";
            default:
                if (type.isArray()) {
                    return "(" + type.getCanonicalName() + ") millrace.runtime.Values.array(in.getList(" + column + "), "
                        + type.getComponentType().getCanonicalName() + ".class)";
                }
                throw new BuildFailure(place + ": parameters of type " + type.getTypeName() + " are not supported", null);
        }
    }

    /** A statement that sets a result. */
    private static String set(Class<?> type, String expression) {
        switch (type.getName()) {
            case "boolean":
                return "out.setBoolean(0, " + expression + ");";
            case "byte", "short", "int", "long":
                return "out.setLong(0, " + expression + ");";
            case "float", "double":
                return "out.setDouble(0, " + expression + ");";
            default:
                return "out.set(0, " + (isPlain(type) ? expression : "millrace.runtime.Values.row(" + expression + ", " + fieldNames(type) + ", "
                    + fieldValues(type) + ")") + ");";
        }
    }

    /** Whether columns take values of the class as they are. */
    private static boolean isPlain(Class<?> type) {
        return type.getName().startsWith("java.") || type.isArray() || type.getName().equals("org.apache.flink.types.Row");
    }

    private static String fieldNames(Class<?> type) {
        List<String> names = JavaTypes.fields(type).stream().map(field -> "\"" + field.name() + "\"").toList();
        return "new String[] {" + String.join(", ", names) + "}";
    }

    private static String fieldValues(Class<?> type) {
        List<String> values = JavaTypes.fields(type).stream()
            .map(field -> "((" + type.getCanonicalName() + ") o)." + field.name()).toList();
        return "o -> new Object[] {" + String.join(", ", values) + "}";
    }

    private void scalar() {
        line("    public void eval(int signature, millrace.api.Row in, millrace.api.Row out) throws Exception {");
        line("        switch (signature) {");
        int number = 0;
        for (Method method : required("eval")) {
            if (method.getReturnType() == void.class) {
                throw new BuildFailure(place(method) + " gives no result", null);
            }
            signature(method, 0, List.of(result(method, method.getGenericReturnType())), false, false);
            String call = "function.eval(" + arguments(method, 0) + ")";
            line("            case " + number++ + ": { " + rest(method, 0) + set(method.getReturnType(), call) + " return; }");
        }
        line("            default: throw new IllegalStateException();");
        line("        }\n    }");
    }

    /** The columns that rows of a type have. */
    private static List<SqlType> columns(SqlType row) {
        return row.code() == SqlType.ROW ? row.children() : List.of(row.named("f0"));
    }

    private void table() {
        Type given = JavaTypes.argumentOf(function, world.base, 0);
        line("    public void eval(int signature, millrace.api.Row in) throws Exception {");
        line("        switch (signature) {");
        int number = 0;
        for (Method method : required("eval")) {
            signature(method, 0, columns(result(method, given)), false, false);
            line("            case " + number++ + ": { " + rest(method, 0) + "function.eval(" + arguments(method, 0) + "); return; }");
        }
        line("            default: throw new IllegalStateException();");
        line("        }\n    }");
        line("    public void give(int signature, Object value, millrace.api.Row out) {");
        Class<?> raw = JavaTypes.raw(given);
        if (raw.getName().equals("org.apache.flink.types.Row")) {
            line("        millrace.runtime.Values.give((org.apache.flink.types.Row) value, out);");
        } else if (isPlain(raw)) {
            line("        out.set(0, value);");
        } else {
            int column = 0;
            for (SqlType field : JavaTypes.fields(raw)) {
                line("        out.set(" + column++ + ", ((" + raw.getCanonicalName() + ") value)." + field.name() + ");");
            }
        }
        line("    }");
    }

    private void aggregate() {
        Type given = JavaTypes.argumentOf(function, world.base, 0);
        Type accumulator = JavaTypes.argumentOf(function, world.base, 1);
        String type = JavaTypes.raw(accumulator).getCanonicalName();
        List<Method> retracts = methods("retract");
        List<Method> merges = methods("merge");
        List<Method> accumulates = required("accumulate");
        StringBuilder adds = new StringBuilder();
        StringBuilder takes = new StringBuilder();
        int number = 0;
        Method getValue = required("getValue").get(0);
        for (Method method : accumulates) {
            Method retract = null;
            for (Method candidate : retracts) {
                if (Arrays.equals(candidate.getParameterTypes(), method.getParameterTypes())) {
                    retract = candidate;
                }
            }
            signature(method, 1, List.of(result(getValue, given)), retract != null, !merges.isEmpty());
            String call = "((" + type + ") accumulator" + (method.getParameterCount() > 1 ? ", " : "") + arguments(method, 1) + "); return; }\n";
            adds.append("            case ").append(number).append(": { ").append(rest(method, 1)).append("function.accumulate").append(call);
            if (retract != null) {
                takes.append("            case ").append(number).append(": { ").append(rest(method, 1)).append("function.retract").append(call);
            }
            number++;
        }
        String parameters = "(int signature, Object accumulator, millrace.api.Row in) throws Exception {\n        switch (signature) {\n";
        String end = "            default: throw new IllegalStateException();\n        }\n    }";
        line("    public void accumulate" + parameters + adds + end);
        line("    public void retract" + parameters + takes + end);
        line("    public Object create() { return function.createAccumulator(); }");
        String merge = merges.isEmpty()
            ? "throw new UnsupportedOperationException(\"the function has no merge method\");"
            : "function.merge((" + type + ") accumulator, java.util.List.of((" + type + ") other));";
        line("    public void merge(Object accumulator, Object other) throws Exception { " + merge + " }");
        Class<?> raw = JavaTypes.raw(given);
        line("    public void value(int signature, Object accumulator, millrace.api.Row out) throws Exception { "
            + set(raw == Object.class ? getValue.getReturnType() : raw, "function.getValue((" + type + ") accumulator)") + " }");
        StateCode state = new StateCode(function);
        String write = state.write(accumulator, "(" + type + ") accumulator", "accumulator class " + type);
        String read = state.read(accumulator);
        line("    public void write(Object accumulator, millrace.runtime.StateWriter to) { " + write + " }");
        line("    public Object read(millrace.runtime.StateReader from) { return " + read + "; }");
        body.append(state.methods());
    }
}
