package millrace.runtime;

/** BOOLEAN: bits. */
final class BooleanColumn extends Column {
    BooleanColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable);
    }

    @Override
    void growData(int rows) {
        int bytes = (rows + 7) >> 3;
        int grown = grown(data, (capacity + 7) >> 3, bytes);
        data = grown;
    }

    @Override
    void writeData(int record, int rows) {
        writeList(record, 0, data, (rows + 7) >> 3);
    }

    private boolean bit(int row) {
        return (Memory.readByte(data + (row >> 3)) >> (row & 7) & 1) != 0;
    }

    @Override
    Object object(int row) {
        return bit(row);
    }

    @Override
    boolean getBoolean(int row) {
        requirePresent(row);
        return bit(row);
    }

    @Override
    void setNullData(int row) {
        write(row, false);
    }

    private void write(int row, boolean value) {
        int at = data + (row >> 3);
        int mask = 1 << (row & 7);
        Memory.writeByte(at, value ? Memory.readByte(at) | mask : Memory.readByte(at) & ~mask);
    }

    @Override
    void setBoolean(int row, boolean value) {
        write(row, value);
        setPresent(row);
    }

    @Override
    void set(int row, Object value) {
        if (!(value instanceof Boolean)) {
            throw unfit(value);
        }
        setBoolean(row, (Boolean) value);
    }

    @Override
    void copyData(int row, Column from, int fromRow) {
        write(row, ((BooleanColumn) from).bit(fromRow));
    }
}
