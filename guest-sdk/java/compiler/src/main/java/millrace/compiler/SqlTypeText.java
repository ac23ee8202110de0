package millrace.compiler;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Reads types as SQL writes them: {@code ROW<id BIGINT NOT NULL, tags ARRAY<STRING>>}. */
final class SqlTypeText {
    private final String text;
    private int at;

    private SqlTypeText(String text) {
        this.text = text;
    }

    static SqlType parse(String text) {
        SqlTypeText reader = new SqlTypeText(text);
        SqlType type = reader.type();
        reader.skip();
        if (reader.at < text.length()) {
            throw reader.unexpected();
        }
        return type;
    }

    private BuildFailure unexpected() {
        return new BuildFailure("`" + text + "` is no SQL type that is known, at character " + (at + 1),
            "Types are BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p, s), STRING, BYTES, DATE, TIME(p), "
                + "TIMESTAMP(p), TIMESTAMP_LTZ(p), ARRAY<t>, MAP<k, v> and ROW<name t, ...>.");
    }

    private void skip() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private boolean take(String wanted) {
        skip();
        if (text.regionMatches(true, at, wanted, 0, wanted.length())) {
            at += wanted.length();
            return true;
        }
        return false;
    }

    private void require(String wanted) {
        if (!take(wanted)) {
            throw unexpected();
        }
    }

    private String word() {
        skip();
        if (at < text.length() && text.charAt(at) == '`') {
            int end = text.indexOf('`', at + 1);
            if (end < 0) {
                throw unexpected();
            }
            String word = text.substring(at + 1, end);
            at = end + 1;
            return word;
        }
        int from = at;
        while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
            at++;
        }
        if (from == at) {
            throw unexpected();
        }
        return text.substring(from, at);
    }

    private int number(int otherwise) {
        if (!take("(")) {
            return otherwise;
        }
        int number = Integer.parseInt(word());
        require(")");
        return number;
    }

    private SqlType type() {
        SqlType type = bare(word().toUpperCase(Locale.ROOT));
        if (take("NOT NULL")) {
            return type.withNulls(false);
        }
        take("NULL");
        return type;
    }

    private SqlType bare(String name) {
        switch (name) {
            case "BOOLEAN":
                return SqlType.of(SqlType.BOOLEAN);
            case "TINYINT":
                return SqlType.of(SqlType.TINYINT);
            case "SMALLINT":
                return SqlType.of(SqlType.SMALLINT);
            case "INT":
            case "INTEGER":
                return SqlType.of(SqlType.INT);
            case "BIGINT":
                return SqlType.of(SqlType.BIGINT);
            case "FLOAT":
                return SqlType.of(SqlType.FLOAT);
            case "DOUBLE":
                take("PRECISION");
                return SqlType.of(SqlType.DOUBLE);
            case "DECIMAL":
            case "DEC":
            case "NUMERIC":
                return decimal();
            case "STRING":
                return SqlType.of(SqlType.STRING);
            case "VARCHAR":
            case "CHAR":
                number(0);
                return SqlType.of(SqlType.STRING);
            case "BYTES":
                return SqlType.of(SqlType.BYTES);
            case "VARBINARY":
            case "BINARY":
                number(0);
                return SqlType.of(SqlType.BYTES);
            case "DATE":
                return SqlType.of(SqlType.DATE);
            case "TIME":
                return SqlType.of(SqlType.TIME, number(0), 0);
            case "TIMESTAMP":
                return timestamp();
            case "TIMESTAMP_LTZ":
                return SqlType.of(SqlType.TIMESTAMP_LTZ, number(6), 0);
            default:
                return nested(name);
        }
    }

    private SqlType decimal() {
        int precision = 10;
        int scale = 0;
        if (take("(")) {
            precision = Integer.parseInt(word());
            if (take(",")) {
                scale = Integer.parseInt(word());
            }
            require(")");
        }
        return SqlType.of(SqlType.DECIMAL, precision, scale);
    }

    private SqlType timestamp() {
        int precision = number(6);
        boolean local = take("WITH LOCAL TIME ZONE");
        take("WITHOUT TIME ZONE");
        return SqlType.of(local ? SqlType.TIMESTAMP_LTZ : SqlType.TIMESTAMP, precision, 0);
    }

    private SqlType nested(String name) {
        List<SqlType> children = new ArrayList<>();
        switch (name) {
            case "ARRAY":
                require("<");
                children.add(type().named("element"));
                require(">");
                return SqlType.nested(SqlType.ARRAY, children);
            case "MAP":
                require("<");
                children.add(type().named("key").withNulls(false));
                require(",");
                children.add(type().named("value"));
                require(">");
                return SqlType.nested(SqlType.MAP, children);
            case "ROW":
                String end = take("<") ? ">" : ")";
                if (end.equals(")")) {
                    require("(");
                }
                do {
                    String field = word();
                    children.add(type().named(field));
                } while (take(","));
                require(end);
                return SqlType.nested(SqlType.ROW, children);
            default:
                throw unexpected();
        }
    }
}
