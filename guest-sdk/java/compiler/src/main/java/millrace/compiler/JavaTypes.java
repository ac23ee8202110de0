package millrace.compiler;

import java.lang.reflect.Field;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.util.ArrayList;
import java.util.List;

/** SQL types of Java types, as Flink derives them. */
final class JavaTypes {
    private JavaTypes() {}

    /** The class behind a type. */
    static Class<?> raw(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return raw(((ParameterizedType) type).getRawType());
        }
        if (type instanceof WildcardType) {
            return raw(((WildcardType) type).getUpperBounds()[0]);
        }
        if (type instanceof GenericArrayType) {
            return raw(((GenericArrayType) type).getGenericComponentType()).arrayType();
        }
        return type instanceof TypeVariable ? raw(((TypeVariable<?>) type).getBounds()[0]) : Object.class;
    }

    /** Arguments of a generic type. */
    static Type[] arguments(Type type) {
        return type instanceof ParameterizedType ? ((ParameterizedType) type).getActualTypeArguments() : new Type[0];
    }

    /** The argument that a class gives to a parameter of the class that it extends. */
    static Type argumentOf(Class<?> function, String base, int index) {
        for (Class<?> at = function; at != null; at = at.getSuperclass()) {
            Class<?> parent = at.getSuperclass();
            if (parent != null && parent.getName().equals(base)) {
                Type[] arguments = arguments(at.getGenericSuperclass());
                return index < arguments.length ? arguments[index] : Object.class;
            }
        }
        return Object.class;
    }

    /** The SQL type; `where` names the place for messages. */
    static SqlType sql(Type type, String where) {
        Class<?> raw = raw(type);
        switch (raw.getName()) {
            case "boolean":
                return SqlType.of(SqlType.BOOLEAN).withNulls(false);
            case "java.lang.Boolean":
                return SqlType.of(SqlType.BOOLEAN);
            case "byte":
                return SqlType.of(SqlType.TINYINT).withNulls(false);
            case "java.lang.Byte":
                return SqlType.of(SqlType.TINYINT);
            case "short":
                return SqlType.of(SqlType.SMALLINT).withNulls(false);
            case "java.lang.Short":
                return SqlType.of(SqlType.SMALLINT);
            case "int":
                return SqlType.of(SqlType.INT).withNulls(false);
            case "java.lang.Integer":
                return SqlType.of(SqlType.INT);
            case "long":
                return SqlType.of(SqlType.BIGINT).withNulls(false);
            case "java.lang.Long":
                return SqlType.of(SqlType.BIGINT);
            case "float":
                return SqlType.of(SqlType.FLOAT).withNulls(false);
            case "java.lang.Float":
                return SqlType.of(SqlType.FLOAT);
            case "double":
                return SqlType.of(SqlType.DOUBLE).withNulls(false);
            case "java.lang.Double":
                return SqlType.of(SqlType.DOUBLE);
            case "java.lang.String":
                return SqlType.of(SqlType.STRING);
            case "[B":
                return SqlType.of(SqlType.BYTES);
            case "java.math.BigDecimal":
                return SqlType.of(SqlType.DECIMAL, 38, 18);
            case "java.time.LocalDate":
                return SqlType.of(SqlType.DATE);
            case "java.time.LocalTime":
                return SqlType.of(SqlType.TIME, 9, 0);
            case "java.time.LocalDateTime":
                return SqlType.of(SqlType.TIMESTAMP, 9, 0);
            case "java.time.Instant":
                return SqlType.of(SqlType.TIMESTAMP_LTZ, 9, 0);
            default:
                return nested(type, raw, where);
        }
    }

    private static SqlType nested(Type type, Class<?> raw, String where) {
        Type[] arguments = arguments(type);
        if (raw.isArray()) {
            Type element = type instanceof GenericArrayType array ? array.getGenericComponentType() : raw.getComponentType();
            return SqlType.nested(SqlType.ARRAY, List.of(sql(element, where).named("element")));
        }
        if (raw == List.class && arguments.length == 1) {
            return SqlType.nested(SqlType.ARRAY, List.of(sql(arguments[0], where).named("element")));
        }
        if (raw == java.util.Map.class && arguments.length == 2) {
            SqlType key = sql(arguments[0], where).named("key").withNulls(false);
            return SqlType.nested(SqlType.MAP, List.of(key, sql(arguments[1], where).named("value")));
        }
        if (raw.getName().startsWith("org.apache.flink.api.java.tuple.Tuple")) {
            List<SqlType> fields = new ArrayList<>();
            for (int i = 0; i < arguments.length; i++) {
                fields.add(sql(arguments[i], where).named("f" + i));
            }
            return SqlType.nested(SqlType.ROW, fields);
        }
        List<SqlType> fields = raw.getName().startsWith("java.") || raw.getName().startsWith("scala.") ? List.of() : fields(raw);
        if (fields.isEmpty()) {
            throw new BuildFailure(where + ": there is no SQL type for " + type.getTypeName(),
                "Say it with @DataTypeHint(\"...\"), or use a class that has one: String, Long, Double, BigDecimal, LocalDateTime, ...");
        }
        return SqlType.nested(SqlType.ROW, fields);
    }

    /** Public fields of a class, as columns. */
    static List<SqlType> fields(Class<?> type) {
        List<SqlType> fields = new ArrayList<>();
        for (Field field : type.getFields()) {
            if (!Modifier.isStatic(field.getModifiers()) && !Modifier.isTransient(field.getModifiers())) {
                SqlType hinted = Hints.type(field.getAnnotations());
                SqlType found = hinted != null ? hinted : sql(field.getGenericType(), type.getName() + "." + field.getName());
                fields.add(found.named(field.getName()));
            }
        }
        return fields;
    }
}
