package millrace.runtime;

/** A column's type: number and parameters as `types.wit` has them. */
final class ColumnType {
    static final int BOOLEAN = 0;
    static final int TINYINT = 1;
    static final int SMALLINT = 2;
    static final int INT = 3;
    static final int BIGINT = 4;
    static final int FLOAT = 5;
    static final int DOUBLE = 6;
    static final int DECIMAL = 7;
    static final int UTF8 = 8;
    static final int BYTES = 9;
    static final int DATE = 10;
    static final int TIME = 11;
    static final int TIMESTAMP = 12;
    static final int TIMESTAMP_LTZ = 13;
    static final int ARRAY = 14;
    static final int MAP = 15;
    static final int ROW = 16;

    private static final String[] NAMES = {
        "BOOLEAN", "TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "STRING", "BYTES", "DATE", "TIME",
        "TIMESTAMP", "TIMESTAMP_LTZ", "ARRAY", "MAP", "ROW",
    };

    final int code;
    /** Precision of a decimal, fraction digits of a time. */
    final int precision;
    final int scale;

    ColumnType(int code, int precision, int scale) {
        this.code = code;
        this.precision = precision;
        this.scale = scale;
    }

    boolean isSame(ColumnType other) {
        return code == other.code && precision == other.precision && scale == other.scale;
    }

    @Override
    public String toString() {
        if (code == DECIMAL) {
            return "DECIMAL(" + precision + ", " + scale + ")";
        }
        return code == TIME || code == TIMESTAMP || code == TIMESTAMP_LTZ ? NAMES[code] + "(" + precision + ")" : NAMES[code];
    }
}
