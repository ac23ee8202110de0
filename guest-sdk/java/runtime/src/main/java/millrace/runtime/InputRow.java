package millrace.runtime;

import millrace.api.Row;
import millrace.api.RowKind;

/** A row of the input batch. */
final class InputRow extends BoundRow {
    private static final RowKind[] KINDS = RowKind.values();

    /** Address of the change kinds, 0 if all are inserts. */
    int kinds;

    InputRow(Column[] columns, Names names) {
        super(columns, names);
    }

    /** Binds to the columns of a batch, for this call. */
    void bind(int records) {
        row = 0;
        cells = Cells.place(columns);
        Schemas.bind(columns, records);
    }

    @Override
    public RowKind kind() {
        return kinds == 0 ? RowKind.INSERT : KINDS[Memory.readByte(kinds + row)];
    }

    @Override
    public Row kind(RowKind kind) {
        throw readOnly();
    }

    private static UnsupportedOperationException readOnly() {
        return new UnsupportedOperationException("rows that come in cannot be changed; take a copy() or a row() of the collector");
    }

    @Override
    public Row set(int index, Object value) {
        throw readOnly();
    }

    @Override
    public Row set(String name, Object value) {
        throw readOnly();
    }

    @Override
    public Row setLong(String name, long value) {
        throw readOnly();
    }

    @Override
    public Row setInt(String name, int value) {
        throw readOnly();
    }

    @Override
    public Row setDouble(String name, double value) {
        throw readOnly();
    }

    @Override
    public Row setBoolean(String name, boolean value) {
        throw readOnly();
    }

    @Override
    public Row setLong(int index, long value) {
        throw readOnly();
    }

    @Override
    public Row setInt(int index, int value) {
        throw readOnly();
    }

    @Override
    public Row setDouble(int index, double value) {
        throw readOnly();
    }

    @Override
    public Row setBoolean(int index, boolean value) {
        throw readOnly();
    }

    @Override
    public void copyTo(Row target) {
        if (!(target instanceof OutputRow)) {
            throw new UnsupportedOperationException("rows that come in are copied to a row() of the collector; take a copy()");
        }
        ((OutputRow) target).copyAll(this);
    }
}
