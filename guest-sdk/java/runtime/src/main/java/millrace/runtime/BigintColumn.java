package millrace.runtime;

/** BIGINT. */
final class BigintColumn extends FixedColumn {
    BigintColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable, 3, 4);
    }

    @Override
    Object object(int row) {
        return Memory.readLong(data + (row << 3));
    }

    @Override
    int getInt(int row) {
        long value = getLong(row);
        if (value != (int) value) {
            throw new ArithmeticException("value " + value + " of column `" + name + "` does not fit into an int");
        }
        return (int) value;
    }

    @Override
    long getLong(int row) {
        requirePresent(row);
        return Memory.readLong(data + (row << 3));
    }

    @Override
    double getDouble(int row) {
        return getLong(row);
    }

    @Override
    void setLong(int row, long value) {
        Memory.writeLong(data + (row << 3), value);
        setPresent(row);
    }

    @Override
    void set(int row, Object value) {
        setLong(row, Numbers.integer(this, value));
    }
}
