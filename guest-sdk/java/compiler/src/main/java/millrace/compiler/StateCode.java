package millrace.compiler;

import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes code that writes and reads accumulators: a method each per type.
 *
 * <p>Fields are written by name and length, so that a later version of the class finds those that it still has.
 */
final class StateCode {
    private final Class<?> function;
    private final Map<String, Integer> known = new HashMap<>();
    private final StringBuilder methods = new StringBuilder();

    StateCode(Class<?> function) {
        this.function = function;
    }

    String methods() {
        return methods.toString();
    }

    /** A statement that writes the value of an expression. */
    String write(Type type, String expression, String place) {
        return "w" + number(type, place) + "(to, " + expression + ");";
    }

    /** An expression that reads a value; its type has been written before. */
    String read(Type type) {
        return "r" + number(type, "") + "(from)";
    }

    private int number(Type type, String place) {
        Integer found = known.get(type.getTypeName());
        if (found != null) {
            return found;
        }
        int number = known.size();
        known.put(type.getTypeName(), number);
        Class<?> raw = JavaTypes.raw(type);
        String simple = simple(raw);
        if (simple != null) {
            String[] parts = simple.split("\\|");
            method(number, raw, parts[0], "return " + parts[1] + ";");
        } else if (raw.isArray()) {
            array(number, type, raw, place);
        } else {
            object(number, type, raw, place);
        }
        return number;
    }

    private void method(int number, Class<?> raw, String write, String read) {
        String type = raw.getCanonicalName();
        String guard = raw.isPrimitive() ? "" : "if (!to.writePresent(v)) return; ";
        String present = raw.isPrimitive() ? "" : "if (!from.readPresent()) return null; ";
        methods.append("    @SuppressWarnings({\"unchecked\", \"rawtypes\"}) static void w").append(number);
        methods.append("(millrace.runtime.StateWriter to, ").append(type).append(" v) { ").append(guard).append(write).append(" }\n");
        methods.append("    @SuppressWarnings({\"unchecked\", \"rawtypes\"}) static ").append(type).append(" r").append(number);
        methods.append("(millrace.runtime.StateReader from) { ").append(present).append(read).append(" }\n");
    }

    /** How values without parts are written and read. */
    private static String simple(Class<?> raw) {
        switch (raw.getName()) {
            case "boolean", "java.lang.Boolean":
                return "to.writeByte(v ? 1 : 0);|from.readByte() != 0";
            case "byte", "java.lang.Byte":
                return "to.writeByte(v);|from.readByte()";
            case "short", "java.lang.Short":
                return "to.writeInt(v);|(short) from.readInt()";
            case "char", "java.lang.Character":
                return "to.writeInt(v);|(char) from.readInt()";
            case "int", "java.lang.Integer":
                return "to.writeInt(v);|from.readInt()";
            case "long", "java.lang.Long":
                return "to.writeLong(v);|from.readLong()";
            case "float", "java.lang.Float":
                return "to.writeFloat(v);|from.readFloat()";
            case "double", "java.lang.Double":
                return "to.writeDouble(v);|from.readDouble()";
            case "java.lang.String":
                return "to.writeString(v);|from.readString()";
            case "[B":
                return "to.writeBytes(v);|from.readBytes()";
            case "java.math.BigInteger":
                return "to.writeBytes(v.toByteArray());|new java.math.BigInteger(from.readBytes())";
            case "java.math.BigDecimal":
                return "to.writeInt(v.scale()); to.writeBytes(v.unscaledValue().toByteArray());"
                    + "|millrace.runtime.Values.decimal(from.readInt(), from.readBytes())";
            case "java.time.LocalDate":
                return "to.writeLong(v.toEpochDay());|java.time.LocalDate.ofEpochDay(from.readLong())";
            case "java.time.LocalTime":
                return "to.writeLong(v.toNanoOfDay());|java.time.LocalTime.ofNanoOfDay(from.readLong())";
            case "java.time.Instant":
                return "to.writeLong(v.getEpochSecond()); to.writeInt(v.getNano());"
                    + "|java.time.Instant.ofEpochSecond(from.readLong(), from.readInt())";
            case "java.time.LocalDateTime":
                return "to.writeLong(v.toLocalDate().toEpochDay()); to.writeLong(v.toLocalTime().toNanoOfDay());"
                    + "|java.time.LocalDateTime.of(java.time.LocalDate.ofEpochDay(from.readLong()), "
                    + "java.time.LocalTime.ofNanoOfDay(from.readLong()))";
            default:
                return null;
        }
    }

    private BuildFailure unsupported(Type type, String place) {
        return new BuildFailure(place + ": values of type " + type.getTypeName() + " cannot be saved in checkpoints",
            "Accumulators may hold numbers, String, byte[], BigDecimal, java.time, List, Set, Map, ListView, MapView, arrays, "
                + "tuples, and classes with public fields (or getters and setters) and a constructor without parameters.");
    }

    private void array(int number, Type type, Class<?> raw, String place) {
        Type element = type instanceof GenericArrayType generic ? generic.getGenericComponentType() : raw.getComponentType();
        String name = raw.getComponentType().getCanonicalName();
        String one = write(element, "e", place);
        String read = read(element);
        int brackets = name.indexOf('[');
        String made = brackets < 0 ? name + "[from.readCount()]" : name.substring(0, brackets) + "[from.readCount()]" + name.substring(brackets);
        method(number, raw, "to.writeInt(v.length); for (" + name + " e : v) { " + one + " }",
            raw.getCanonicalName() + " v = new " + made + "; for (int i = 0; i < v.length; i++) { v[i] = " + read + "; } return v;");
    }

    private void object(int number, Type type, Class<?> raw, String place) {
        Type[] arguments = JavaTypes.arguments(type);
        String name = raw.getCanonicalName();
        switch (raw.getName()) {
            case "java.util.List", "java.util.ArrayList", "java.util.Collection", "java.util.Iterable", "java.util.LinkedList":
                collection(number, raw, arguments, place, type, name.endsWith("LinkedList") ? name : "java.util.ArrayList");
                return;
            case "java.util.Set", "java.util.HashSet", "java.util.LinkedHashSet", "java.util.TreeSet":
                collection(number, raw, arguments, place, type, raw.getName().equals("java.util.Set") ? "java.util.HashSet" : name);
                return;
            case "java.util.Map", "java.util.HashMap", "java.util.LinkedHashMap", "java.util.TreeMap":
                map(number, raw, arguments, place, type, raw.getName().equals("java.util.Map") ? "java.util.HashMap" : name, "v", "return m;");
                return;
            case "org.apache.flink.table.api.dataview.MapView":
                map(number, raw, arguments, place, type, "java.util.HashMap", "v.getMap()", name + " view = new " + name + "(); view.setMap(m); return view;");
                return;
            case "org.apache.flink.table.api.dataview.ListView":
                require(arguments, 1, type, place);
                String one = write(arguments[0], cast(arguments[0], "e"), place);
                String read = read(arguments[0]);
                method(number, raw, "java.util.List l = v.getList(); to.writeInt(l.size()); for (Object e : l) { " + one + " }",
                    "java.util.List l = new java.util.ArrayList(); for (int n = from.readCount(); n > 0; n--) l.add(" + read + "); "
                        + name + " view = new " + name + "(); view.setList(l); return view;");
                return;
            default:
                fields(number, type, raw, place);
        }
    }

    private void require(Type[] arguments, int count, Type type, String place) {
        if (arguments.length != count) {
            throw unsupported(type, place);
        }
    }

    private static String cast(Type type, String expression) {
        return "(" + JavaTypes.raw(type).getCanonicalName() + ") " + expression;
    }

    private void collection(int number, Class<?> raw, Type[] arguments, String place, Type type, String made) {
        require(arguments, 1, type, place);
        String one = write(arguments[0], cast(arguments[0], "e"), place);
        String read = read(arguments[0]);
        method(number, raw,
            "java.util.List l = new java.util.ArrayList(); for (Object e : v) l.add(e); to.writeInt(l.size()); for (Object e : l) { " + one + " }",
            made + " l = new " + made + "(); for (int n = from.readCount(); n > 0; n--) l.add(" + read + "); return l;");
    }

    private void map(int number, Class<?> raw, Type[] arguments, String place, Type type, String made, String source, String end) {
        require(arguments, 2, type, place);
        String key = write(arguments[0], cast(arguments[0], "e.getKey()"), place);
        String value = write(arguments[1], cast(arguments[1], "e.getValue()"), place);
        String reads = read(arguments[0]) + ", " + read(arguments[1]);
        method(number, raw,
            "java.util.Map<Object, Object> m = (java.util.Map) " + source + "; to.writeInt(m.size()); "
                + "for (java.util.Map.Entry<Object, Object> e : m.entrySet()) { " + key + " " + value + " }",
            made + " m = new " + made + "(); for (int n = from.readCount(); n > 0; n--) m.put(" + reads + "); " + end);
    }

    /** How a field is got and set. */
    private record Access(Field field, Type type, String get, String set) {}

    private void fields(int number, Type type, Class<?> raw, String place) {
        if (raw.isInterface() || raw == Object.class || raw.getName().startsWith("java.") || raw.getName().startsWith("scala.")
            || raw.isEnum() || Modifier.isAbstract(raw.getModifiers())) {
            throw unsupported(type, place);
        }
        try {
            if (Modifier.isPrivate(raw.getDeclaredConstructor().getModifiers())) {
                throw unsupported(type, place);
            }
        } catch (NoSuchMethodException e) {
            throw unsupported(type, place + ": no constructor without parameters");
        }
        Map<String, Type> variables = variables(type, raw);
        StringBuilder write = new StringBuilder();
        StringBuilder read = new StringBuilder();
        List<Access> fields = new ArrayList<>();
        for (Class<?> at = raw; at != Object.class; at = at.getSuperclass()) {
            for (Field field : at.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers()) && !field.isSynthetic()) {
                    fields.add(access(raw, field, variables, place));
                }
            }
        }
        write.append("to.writeInt(").append(fields.size()).append("); int f; ");
        read.append(raw.getCanonicalName()).append(" v = new ").append(raw.getCanonicalName()).append("(); ");
        read.append("for (int n = from.readInt(); n > 0; n--) { String name = from.readString(); int end = from.readFieldEnd(); switch (name) { ");
        for (Access field : fields) {
            String name = field.field().getName();
            String at = raw.getName() + "." + name;
            write.append("f = to.beginField(\"").append(name).append("\"); ");
            write.append(write(field.type(), cast(field.type(), "v." + field.get()), at)).append(" to.endField(f); ");
            read.append("case \"").append(name).append("\": v.");
            read.append(field.set().replace("$", cast(field.type(), read(field.type()))).replace('\u0000', '$')).append("; break; ");
        }
        read.append("default: } from.skipTo(end); } return v;");
        method(number, raw, write.toString(), read.toString());
    }

    private static Map<String, Type> variables(Type type, Class<?> raw) {
        Map<String, Type> variables = new HashMap<>();
        if (type instanceof ParameterizedType) {
            TypeVariable<?>[] names = raw.getTypeParameters();
            Type[] arguments = JavaTypes.arguments(type);
            for (int i = 0; i < names.length; i++) {
                variables.put(names[i].getName(), arguments[i]);
            }
        }
        return variables;
    }

    private Access access(Class<?> owner, Field field, Map<String, Type> variables, String place) {
        Type type = field.getGenericType() instanceof TypeVariable<?> variable
            ? variables.getOrDefault(variable.getName(), Object.class)
            : field.getGenericType();
        String name = field.getName();
        int modifiers = field.getModifiers();
        boolean samePackage = owner.getPackageName().equals(function.getPackageName());
        if (!Modifier.isFinal(modifiers) && (Modifier.isPublic(modifiers) || samePackage && !Modifier.isPrivate(modifiers))) {
            return new Access(field, type, name, name + " = $");
        }
        String capital = Character.toUpperCase(name.charAt(0)) + name.substring(1);
        for (String[] pair : new String[][] {{name, name + "_$eq"}, {"get" + capital, "set" + capital}, {"is" + capital, "set" + capital}}) {
            try {
                owner.getMethod(pair[0]);
                owner.getMethod(pair[1], field.getType());
                // The second dollar sign belongs to the name that Scala gives to setters.
                return new Access(field, type, pair[0] + "()", pair[1].replace("_$eq", "_\u0000eq") + "($)");
            } catch (NoSuchMethodException e) {
                // The next pair.
            }
        }
        throw new BuildFailure(place + ": field `" + name + "` of " + owner.getName() + " cannot be saved in checkpoints",
            "Make it public and not final, give it a getter and a setter, or make it transient.");
    }
}
