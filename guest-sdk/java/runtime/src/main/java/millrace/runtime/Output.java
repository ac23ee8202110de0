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
        next.row = 0;
        next.set = 0;
        next.kind = 0;
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
        next.clear();
        next.row = rows;
        for (Column column : columns) {
            column.lastSet = -1;
        }
    }

    @Override
    public Row row() {
        next.clear();
        return next;
    }

    @Override
    public void collect(Row row) {
        if (row != next) {
            next.clear();
            row.copyTo(next);
        }
        advance();
    }

    void advance() {
        next.complete();
        if (next.kind != 0 || kinds != 0) {
            writeKind();
        }
        next.set = 0;
        next.kind = 0;
        next.row++;
        if (next.row == capacity) {
            grow();
        }
    }

    private void writeKind() {
        if (kinds == 0) {
            kinds = Memory.allocate(1, capacity);
            Memory.fill(kinds, 0, next.row);
        }
        Memory.writeByte(kinds + next.row, next.kind);
    }

    private void grow() {
        int grown = capacity * 2;
        if (kinds != 0) {
            int larger = Memory.allocate(1, grown);
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
