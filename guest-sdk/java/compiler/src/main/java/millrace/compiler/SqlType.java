package millrace.compiler;

import java.util.List;

/** A SQL type of a parameter, result or field: codes and parameters as `types.wit` has them. */
record SqlType(int code, int precision, int scale, boolean nullable, String name, List<SqlType> children) {
    static final int BOOLEAN = 0;
    static final int TINYINT = 1;
    static final int SMALLINT = 2;
    static final int INT = 3;
    static final int BIGINT = 4;
    static final int FLOAT = 5;
    static final int DOUBLE = 6;
    static final int DECIMAL = 7;
    static final int STRING = 8;
    static final int BYTES = 9;
    static final int DATE = 10;
    static final int TIME = 11;
    static final int TIMESTAMP = 12;
    static final int TIMESTAMP_LTZ = 13;
    static final int ARRAY = 14;
    static final int MAP = 15;
    static final int ROW = 16;

    static SqlType of(int code) {
        return new SqlType(code, 0, 0, true, "", List.of());
    }

    static SqlType of(int code, int precision, int scale) {
        return new SqlType(code, precision, scale, true, "", List.of());
    }

    static SqlType nested(int code, List<SqlType> children) {
        return new SqlType(code, 0, 0, true, "", children);
    }

    SqlType named(String other) {
        return new SqlType(code, precision, scale, nullable, other, children);
    }

    SqlType withNulls(boolean other) {
        return new SqlType(code, precision, scale, other, name, children);
    }

    /** Lines as the runtime's `Signatures` reads them. */
    void write(StringBuilder out) {
        out.append(code).append('\t').append(precision).append('\t').append(scale).append('\t').append(nullable ? 1 : 0);
        out.append('\t').append(children.size()).append('\t').append(name).append('\n');
        children.forEach(child -> child.write(out));
    }
}
