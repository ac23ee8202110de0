package millrace.runtime;

/** Numbers in and out of columns. */
final class Numbers {
    private Numbers() {}

    /** A whole number for a column. */
    static long integer(Column column, Object value) {
        if (value instanceof Long) {
            return (Long) value;
        }
        if (value instanceof Integer) {
            return (Integer) value;
        }
        if (value instanceof Short) {
            return (Short) value;
        }
        if (value instanceof Byte) {
            return (Byte) value;
        }
        throw column.unfit(value);
    }

    /** A number for a column of floating point. */
    static double number(Column column, Object value) {
        if (value instanceof Double) {
            return (Double) value;
        }
        if (value instanceof Float) {
            return (Float) value;
        }
        return integer(column, value);
    }

    /** Ten to a power from 0 to 18. */
    static long powerOfTen(int exponent) {
        long power = 1;
        for (int i = 0; i < exponent; i++) {
            power *= 10;
        }
        return power;
    }
}
