package millrace.runtime;

/** Columns as a JSON Schema of type `object`: what {@link JsonSchema} reads. */
final class SchemaText {
    private SchemaText() {}

    static String of(Column[] columns) {
        StringBuilder text = new StringBuilder();
        object(columns, text);
        return text.toString();
    }

    private static void object(Column[] columns, StringBuilder text) {
        text.append("{\"type\": \"object\", \"properties\": {");
        for (int i = 0; i < columns.length; i++) {
            text.append(i == 0 ? "" : ", ");
            quoted(columns[i].name, text);
            text.append(": ");
            column(columns[i], text);
        }
        text.append("}, \"required\": [");
        String separator = "";
        for (Column column : columns) {
            if (!column.nullable) {
                quoted(column.name, text.append(separator));
                separator = ", ";
            }
        }
        text.append("]}");
    }

    private static void column(Column column, StringBuilder text) {
        Column[] children = column.children();
        switch (column.type.code) {
            case ColumnType.ROW:
                object(children, text);
                return;
            case ColumnType.ARRAY:
                column(children[0], text.append("{\"type\": \"array\", \"items\": "));
                break;
            case ColumnType.MAP:
                column(children[1], text.append("{\"type\": \"object\", \"additionalProperties\": "));
                break;
            default:
                simple(column.type, text.append('{'));
        }
        text.append('}');
    }

    private static void simple(ColumnType type, StringBuilder text) {
        switch (type.code) {
            case ColumnType.BOOLEAN:
                text.append("\"type\": \"boolean\"");
                break;
            case ColumnType.TINYINT:
                text.append("\"type\": \"integer\", \"format\": \"int8\"");
                break;
            case ColumnType.SMALLINT:
                text.append("\"type\": \"integer\", \"format\": \"int16\"");
                break;
            case ColumnType.INT:
                text.append("\"type\": \"integer\", \"format\": \"int32\"");
                break;
            case ColumnType.BIGINT:
                text.append("\"type\": \"integer\"");
                break;
            case ColumnType.FLOAT:
                text.append("\"type\": \"number\", \"format\": \"float\"");
                break;
            case ColumnType.DOUBLE:
                text.append("\"type\": \"number\"");
                break;
            case ColumnType.DECIMAL:
                text.append("\"type\": \"number\", \"format\": \"decimal\", \"precision\": ").append(type.precision);
                text.append(", \"scale\": ").append(type.scale);
                break;
            case ColumnType.UTF8:
                text.append("\"type\": \"string\"");
                break;
            case ColumnType.BYTES:
                text.append("\"type\": \"string\", \"format\": \"binary\"");
                break;
            case ColumnType.DATE:
                text.append("\"type\": \"string\", \"format\": \"date\"");
                break;
            default:
                text.append("\"type\": \"string\", \"format\": \"");
                text.append(type.code == ColumnType.TIME ? "time" : type.code == ColumnType.TIMESTAMP ? "date-time" : "instant");
                text.append("\", \"precision\": ").append(type.precision);
        }
    }

    private static void quoted(String name, StringBuilder text) {
        text.append('"');
        for (int i = 0; i < name.length(); i++) {
            char c = name.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < ' ') {
                text.append("\\u00").append(Character.forDigit(c >> 4, 16)).append(Character.forDigit(c & 15, 16));
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
