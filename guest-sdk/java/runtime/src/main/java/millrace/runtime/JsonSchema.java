package millrace.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Columns from a JSON Schema of type `object`.
 *
 * <p>`integer` is BIGINT, `number` DOUBLE, `string` STRING, `boolean` BOOLEAN, `array` ARRAY of its `items`, `object` ROW of
 * its `properties` or, with only `additionalProperties`, MAP from STRING. `format` says more: `int8`, `int16`, `int32`,
 * `int64`, `float`, `double`, `decimal` (with `precision` and `scale`), `date`, `time`, `date-time` (TIMESTAMP), `instant`
 * (TIMESTAMP_LTZ), the last three with `precision`, and `binary` or `byte` (BYTES). A column takes null unless it is in
 * `required` and its `type` does not list `null`.
 */
final class JsonSchema {
    private JsonSchema() {}

    static Column[] columns(String text) {
        Object parsed;
        try {
            parsed = Json.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("tableSchema: " + e.getMessage());
        }
        Column[] columns = parsed instanceof Map ? properties("tableSchema", (Map<?, ?>) parsed) : null;
        if (columns == null) {
            throw new IllegalArgumentException("tableSchema: expected a JSON Schema of type `object` with `properties`");
        }
        return columns;
    }

    /** The columns of an object, null if it has no properties. */
    private static Column[] properties(String path, Map<?, ?> schema) {
        Object properties = schema.get("properties");
        if (!(properties instanceof Map)) {
            return null;
        }
        Object required = schema.get("required");
        List<Column> columns = new ArrayList<>();
        for (Map.Entry<?, ?> property : ((Map<?, ?>) properties).entrySet()) {
            String name = (String) property.getKey();
            boolean mayMiss = !(required instanceof List) || !((List<?>) required).contains(name);
            columns.add(column(path + "." + name, name, property.getValue(), mayMiss));
        }
        return columns.toArray(Column.NO_COLUMNS);
    }

    private static Column column(String path, String name, Object value, boolean mayMiss) {
        if (!(value instanceof Map)) {
            throw new IllegalArgumentException(path + ": expected a JSON Schema");
        }
        Map<?, ?> schema = (Map<?, ?>) value;
        Object type = schema.get("type");
        boolean nullable = mayMiss;
        String single = type instanceof String ? (String) type : null;
        if (type instanceof List) {
            for (Object alternative : (List<?>) type) {
                if ("null".equals(alternative)) {
                    nullable = true;
                } else if (single == null && alternative instanceof String) {
                    single = (String) alternative;
                } else {
                    throw new IllegalArgumentException(path + ": a column has one type, and `null` if it may be null");
                }
            }
        }
        if (single == null) {
            throw new IllegalArgumentException(path + ": `type` is missing");
        }
        return typed(path, name, single, schema, nullable);
    }

    private static Column typed(String path, String name, String type, Map<?, ?> schema, boolean nullable) {
        if (type.equals("array")) {
            Column element = column(path + ".items", "element", schema.get("items"), true);
            return Schemas.make(name, new ColumnType(ColumnType.ARRAY, 0, 0), nullable, new Column[] {element});
        }
        if (type.equals("object")) {
            Column[] fields = properties(path, schema);
            if (fields != null) {
                return Schemas.make(name, new ColumnType(ColumnType.ROW, 0, 0), nullable, fields);
            }
            Column key = Schemas.make("key", new ColumnType(ColumnType.UTF8, 0, 0), false, Column.NO_COLUMNS);
            Column element = column(path + ".additionalProperties", "value", schema.get("additionalProperties"), true);
            return Schemas.make(name, new ColumnType(ColumnType.MAP, 0, 0), nullable, new Column[] {key, element});
        }
        Object format = schema.get("format");
        ColumnType simple = simple(type, format instanceof String ? (String) format : "", schema);
        if (simple == null) {
            throw new IllegalArgumentException(path + ": there is no type `" + type + "`");
        }
        return Schemas.make(name, simple, nullable, Column.NO_COLUMNS);
    }

    private static ColumnType simple(String type, String format, Map<?, ?> schema) {
        if (format.equals("decimal")) {
            return new ColumnType(ColumnType.DECIMAL, number(schema, "precision", 38), number(schema, "scale", 18));
        }
        switch (type) {
            case "boolean":
                return new ColumnType(ColumnType.BOOLEAN, 0, 0);
            case "integer":
                return new ColumnType(integer(format), 0, 0);
            case "number":
                return new ColumnType(format.equals("float") ? ColumnType.FLOAT : ColumnType.DOUBLE, 0, 0);
            case "string":
                return string(format, schema);
            default:
                return null;
        }
    }

    private static int integer(String format) {
        switch (format) {
            case "int8":
                return ColumnType.TINYINT;
            case "int16":
                return ColumnType.SMALLINT;
            case "int32":
                return ColumnType.INT;
            default:
                return ColumnType.BIGINT;
        }
    }

    private static ColumnType string(String format, Map<?, ?> schema) {
        switch (format) {
            case "date":
                return new ColumnType(ColumnType.DATE, 0, 0);
            case "time":
                return new ColumnType(ColumnType.TIME, number(schema, "precision", 3), 0);
            case "date-time":
                return new ColumnType(ColumnType.TIMESTAMP, number(schema, "precision", 3), 0);
            case "instant":
                return new ColumnType(ColumnType.TIMESTAMP_LTZ, number(schema, "precision", 3), 0);
            case "binary":
            case "byte":
                return new ColumnType(ColumnType.BYTES, 0, 0);
            default:
                return new ColumnType(ColumnType.UTF8, 0, 0);
        }
    }

    private static int number(Map<?, ?> schema, String name, int otherwise) {
        Object value = schema.get(name);
        return value instanceof Long ? ((Long) value).intValue() : otherwise;
    }
}
