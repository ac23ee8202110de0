package millrace.runtime;

/** Columns whose values all have the same number of bytes. */
abstract class FixedColumn extends Column {
    private final int shift;
    private final int dataCase;

    /** Values of `1 << shift` bytes, in this case of `column-data`. */
    FixedColumn(String name, ColumnType type, boolean nullable, int shift, int dataCase) {
        super(name, type, nullable);
        this.shift = shift;
        this.dataCase = dataCase;
    }

    @Override
    final void growData(int rows) {
        data = grown(data, capacity << shift, rows << shift);
    }

    @Override
    void writeData(int record, int rows) {
        writeList(record, dataCase, data, rows);
    }

    @Override
    final void setNullData(int row) {
        Memory.fill(data + (row << shift), 0, 1 << shift);
    }

    @Override
    final void copyData(int row, Column from, int fromRow) {
        int to = data + (row << shift);
        int source = from.data + (fromRow << shift);
        if (shift == 3) {
            Memory.writeLong(to, Memory.readLong(source));
        } else if (shift == 2) {
            Memory.writeInt(to, Memory.readInt(source));
        } else {
            Memory.copy(to, source, 1 << shift);
        }
    }
}
