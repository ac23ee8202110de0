package millrace.runtime;

import millrace.api.Collector;
import millrace.api.Row;

/** The batch that a call answers: rows are collected into columns. */
final class Output implements Collector<Row> {
    final Column[] columns;
    private final OutputRow next;
    private int capacity;
    /** Address of the change kinds, 0 while all are inserts. */
    private int kinds;

    Output(Column[] columns) {
        this.columns = columns;
        this.next = new OutputRow(columns);
    }

    /** Starts an answer of about so many rows. */
    void start(int rows) {
        capacity = Math.max(rows, 16);
        kinds = 0;
        next.start();
        for (Column column : columns) {
            column.start(capacity);
        }
    }

    /** Rows collected so far. */
    int rows() {
        return next.row;
    }

    /** Takes back all rows from this one on. */
    void truncate(int rows) {
        Cells.forget(next.cells);
        next.kind = 0;
        next.row = rows;
    }

    @Override
    public Row row() {
        next.clear();
        return next;
    }

    @Override
    public void collect(Row row) {
        if (row != next) {
            copy(row);
        }
        advance();
    }

    private void copy(Row row) {
        next.clear();
        row.copyTo(next);
    }

    void advance() {
        next.complete();
        if (next.kind != 0 || kinds != 0) {
            writeKind();
        }
        next.kind = 0;
        next.row++;
        if (next.row == capacity) {
            grow();
        }
    }

    private void writeKind() {
        kind(next.row, next.kind);
    }

    /** Sets the change kind of a row that there is room for. */
    void kind(int row, int kind) {
        if (kinds == 0) {
            kinds = Memory.allocate(1, capacity);
            Memory.fill(kinds, 0, capacity);
        }
        Memory.writeByte(kinds + row, kind);
    }

    /** Makes room for so many rows. */
    void reserve(int rows) {
        if (rows >= capacity) {
            grow(Math.max(rows + 1, capacity * 2));
        }
    }

    /** Says how many rows there are; their columns are written. */
    void rows(int rows) {
        next.row = rows;
    }

    private void grow() {
        grow(capacity * 2);
    }

    private void grow(int grown) {
        if (kinds != 0) {
            int larger = Memory.allocate(1, grown);
            Memory.fill(larger, 0, grown);
            Memory.copy(larger, kinds, capacity);
            kinds = larger;
        }
        for (Column column : columns) {
            column.grow(grown);
        }
        capacity = grown;
    }

    /** Writes the record `batch` of `types.wit`. */
    void write(int record) {
        int rows = next.row;
        int count = countAll(columns);
        int records = Memory.allocate(4, count * Column.RECORD_BYTES);
        int at = records;
        for (Column column : columns) {
            at = column.write(at, rows);
        }
        Memory.writeInt(record, rows);
        Memory.writeByte(record + 4, kinds == 0 ? 0 : 1);
        Memory.writeInt(record + 8, kinds);
        Memory.writeInt(record + 12, rows);
        Memory.writeInt(record + 16, records);
        Memory.writeInt(record + 20, count);
    }

    private static int countAll(Column[] columns) {
        int count = columns.length;
        for (Column column : columns) {
            count += countAll(column.children());
        }
        return count;
    }
}
