package millrace.runtime;

import millrace.api.Row;
import millrace.api.RowKind;
import org.teavm.interop.Address;

/** The row of the output that is filled next: what is set lies in the columns at once. */
final class OutputRow extends BoundRow {
    int kind;
    /** Where the columns of another schema's rows lie in this one's: found once per schema. */
    private Column[] copiedFrom;
    private int[] copied;

    OutputRow(Column[] columns) {
        super(columns, new Names(columns));
    }

    /** The first row of a call. */
    void start() {
        row = 0;
        kind = 0;
        cells = Cells.place(columns);
    }

    /** The column, which is about to be set. */
    private Column touched(int index) {
        Column column = columns[index];
        Cells.touch(cells, index, row);
        return column;
    }

    @Override
    public RowKind kind() {
        return RowKind.values()[kind];
    }

    @Override
    public Row kind(RowKind kind) {
        this.kind = kind.ordinal();
        return this;
    }

    /** The row is used again: nothing is set. */
    void clear() {
        if (Cells.set(cells) != 0) {
            Cells.forget(cells);
        }
        kind = 0;
    }

    /** Sets what has not been set to null; the next row has nothing set. */
    void complete() {
        if (!Cells.complete(cells)) {
            fill();
        }
    }

    private void fill() {
        for (int i = 0; i < columns.length; i++) {
            if (!Cells.isSet(cells, i, row)) {
                columns[i].setNull(row);
            }
        }
        Cells.forget(cells);
    }

    @Override
    public Row set(int index, Object value) {
        if (!(value instanceof String) || !Cells.putText(cells, index, row, Address.ofObject(value))) {
            setAny(index, value);
        }
        return this;
    }

    private void setAny(int index, Object value) {
        Column column = touched(index);
        if (value == null) {
            column.setNull(row);
        } else {
            column.set(row, value);
        }
    }

    private int index(String name) {
        int index = names.find(name);
        if (index < 0) {
            throw unknown(name);
        }
        return index;
    }

    private IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException("the output has no column `" + name + "`, its columns are " + names);
    }

    @Override
    public Row set(String name, Object value) {
        return set(index(name), value);
    }

    @Override
    public Row setLong(String name, long value) {
        return setLong(index(name), value);
    }

    @Override
    public Row setInt(String name, int value) {
        return setInt(index(name), value);
    }

    @Override
    public Row setDouble(String name, double value) {
        return setDouble(index(name), value);
    }

    @Override
    public Row setBoolean(String name, boolean value) {
        return setBoolean(index(name), value);
    }

    @Override
    public Row setLong(int index, long value) {
        if (!Cells.put(cells, index, row, value)) {
            touched(index).setLong(row, value);
        }
        return this;
    }

    @Override
    public Row setInt(int index, int value) {
        if (!Cells.put(cells, index, row, value)) {
            touched(index).setLong(row, value);
        }
        return this;
    }

    @Override
    public Row setDouble(int index, double value) {
        if (!Cells.put(cells, index, row, value)) {
            touched(index).setDouble(row, value);
        }
        return this;
    }

    @Override
    public Row setBoolean(int index, boolean value) {
        touched(index).setBoolean(row, value);
        return this;
    }

    /** Copies all columns of a row by name. */
    void copyAll(BoundRow from) {
        if (copiedFrom != from.columns) {
            mapColumns(from);
        }
        for (int i = 0; i < copied.length; i++) {
            touched(copied[i]).copy(row, from.columns[i], from.row);
        }
        kind = from.kind().ordinal();
    }

    private void mapColumns(BoundRow from) {
        int[] found = new int[from.columns.length];
        for (int i = 0; i < found.length; i++) {
            Column source = from.columns[i];
            found[i] = index(source.name);
            if (!columns[found[i]].hasTypeOf(source)) {
                throw new IllegalArgumentException(
                    "column `" + source.name + "` of the output is " + columns[found[i]].type + ", found " + source.type);
            }
        }
        copied = found;
        copiedFrom = from.columns;
    }

    @Override
    public void copyTo(Row target) {
        ((OutputRow) target).copyAll(this);
    }
}
