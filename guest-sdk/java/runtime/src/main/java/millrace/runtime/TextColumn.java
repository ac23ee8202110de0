package millrace.runtime;

import org.teavm.interop.Unmanaged;

/** STRING and BYTES: offsets and data. */
final class TextColumn extends Column {
    /** Address of the data. */
    private int bytes;
    /** Room for data. */
    private int bytesCapacity;

    TextColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable);
    }

    @Override
    void bindData(int record) {
        data = Memory.readInt(record + 4);
        bytes = Memory.readInt(record + 12);
    }

    @Override
    void startData() {
        bytes = 0;
        bytesCapacity = 0;
    }

    @Override
    void growData(int rows) {
        boolean first = data == 0;
        data = grown(data, (capacity + 1) << 2, (rows + 1) << 2);
        if (first) {
            Memory.writeInt(data, 0);
            reserve(0, rows << 4);
        }
    }

    /** Makes room for data behind what is there. */
    private void reserve(int used, int wanted) {
        if (used + wanted > bytesCapacity) {
            int capacity = Math.max(used + wanted, bytesCapacity * 2);
            bytes = grown(bytes, used, capacity);
            bytesCapacity = capacity;
            tellCell();
        }
    }

    @Override
    void tellCell() {
        if (cell != 0) {
            Cells.placed(cell, data, validity);
            Cells.placedBytes(cell, bytes, bytesCapacity);
        }
    }

    @Override
    void writeData(int record, int rows) {
        writeList(record, type.code == ColumnType.UTF8 ? 8 : 9, data, rows + 1);
        Memory.writeInt(record + 12, bytes);
        Memory.writeInt(record + 16, offset(rows));
    }

    @Unmanaged
    private int offset(int row) {
        return Memory.readInt(data + (row << 2));
    }

    @Unmanaged
    private void end(int row, int offset) {
        Memory.writeInt(data + (row << 2) + 4, offset);
    }

    @Override
    Object object(int row) {
        int from = offset(row);
        int length = offset(row + 1) - from;
        if (type.code == ColumnType.UTF8) {
            return Memory.string(bytes + from, length);
        }
        return Memory.bytes(bytes + from, length);
    }

    @Override
    String getString(int row) {
        if (type.code != ColumnType.UTF8) {
            throw mismatch("text");
        }
        if (isNull(row)) {
            return null;
        }
        int from = offset(row);
        return Memory.string(bytes + from, offset(row + 1) - from);
    }

    @Override
    byte[] getBytes(int row) {
        if (type.code != ColumnType.BYTES) {
            throw mismatch("bytes");
        }
        if (isNull(row)) {
            return null;
        }
        int from = offset(row);
        return Memory.bytes(bytes + from, offset(row + 1) - from);
    }

    @Override
    void setNullData(int row) {
        end(row, offset(row));
    }

    @Override
    void set(int row, Object value) {
        int from = offset(row);
        if (type.code == ColumnType.UTF8 && value instanceof String) {
            String text = (String) value;
            reserve(from, text.length() * 3);
            end(row, from + Memory.writeUtf8(text, bytes + from));
        } else if (type.code == ColumnType.BYTES && value instanceof byte[]) {
            byte[] content = (byte[]) value;
            reserve(from, content.length);
            Memory.writeBytes(content, bytes + from);
            end(row, from + content.length);
        } else {
            throw unfit(value);
        }
        setPresent(row);
    }

    @Override
    void copyData(int row, Column column, int fromRow) {
        TextColumn from = (TextColumn) column;
        int start = from.offset(fromRow);
        int length = from.offset(fromRow + 1) - start;
        int to = offset(row);
        reserve(to, length);
        Memory.copy(bytes + to, from.bytes + start, length);
        end(row, to + length);
    }
}
