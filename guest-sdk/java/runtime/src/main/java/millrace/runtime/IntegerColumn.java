package millrace.runtime;

/** TINYINT, SMALLINT and INT. */
final class IntegerColumn extends FixedColumn {
    private final int min;
    private final int max;

    IntegerColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable, type.code - ColumnType.TINYINT, type.code);
        int bits = 8 << (type.code - ColumnType.TINYINT);
        this.max = Integer.MAX_VALUE >> (32 - bits);
        this.min = -max - 1;
    }

    private int value(int row) {
        switch (type.code) {
            case ColumnType.TINYINT:
                return Memory.readByte(data + row);
            case ColumnType.SMALLINT:
                return (short) (Memory.readByte(data + row * 2) & 0xff | Memory.readByte(data + row * 2 + 1) << 8);
            default:
                return Memory.readInt(data + (row << 2));
        }
    }

    @Override
    Object object(int row) {
        int value = value(row);
        switch (type.code) {
            case ColumnType.TINYINT:
                return (byte) value;
            case ColumnType.SMALLINT:
                return (short) value;
            default:
                return value;
        }
    }

    @Override
    int getInt(int row) {
        requirePresent(row);
        return value(row);
    }

    @Override
    long getLong(int row) {
        requirePresent(row);
        return value(row);
    }

    @Override
    double getDouble(int row) {
        requirePresent(row);
        return value(row);
    }

    @Override
    void setLong(int row, long value) {
        if (value < min || value > max) {
            throw unfit("the number " + value);
        }
        switch (type.code) {
            case ColumnType.TINYINT:
                Memory.writeByte(data + row, (int) value);
                break;
            case ColumnType.SMALLINT:
                Memory.writeByte(data + row * 2, (int) value);
                Memory.writeByte(data + row * 2 + 1, (int) value >> 8);
                break;
            default:
                Memory.writeInt(data + (row << 2), (int) value);
        }
        setPresent(row);
    }

    @Override
    void set(int row, Object value) {
        setLong(row, Numbers.integer(this, value));
    }
}
