package millrace.runtime;

import millrace.api.Row;
import millrace.api.RowKind;

/** The row of the output that is filled next: what is set lies in the columns at once. */
final class OutputRow extends BoundRow {
    /** Columns that are set. */
    int set;
    int kind;
    /** Where the columns of another schema's rows lie in this one's: found once per schema. */
    private Column[] copiedFrom;
    private int[] copied;

    OutputRow(Column[] columns) {
        super(columns, new Names(columns));
    }

    /** The column, which is about to be set. */
    private Column touched(int index) {
        Column column = columns[index];
        if (column.lastSet != row) {
            column.lastSet = row;
            set++;
        }
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
        if (set != 0) {
            for (Column column : columns) {
                column.lastSet = -1;
            }
            set = 0;
        }
        kind = 0;
    }

    /** Sets what has not been set to null. */
    void complete() {
        if (set != columns.length) {
            for (Column column : columns) {
                if (column.lastSet != row) {
                    column.setNull(row);
                }
            }
        }
    }

    @Override
    public Row set(int index, Object value) {
        Column column = touched(index);
        if (value == null) {
            column.setNull(row);
        } else {
            column.set(row, value);
        }
        return this;
    }

    private int index(String name) {
        int index = names.find(name);
        if (index < 0) {
            throw new IllegalArgumentException("the output has no column `" + name + "`, its columns are " + names);
        }
        return index;
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
        return setLong(index(name), value);
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
        touched(index).setLong(row, value);
        return this;
    }

    @Override
    public Row setInt(int index, int value) {
        touched(index).setLong(row, value);
        return this;
    }

    @Override
    public Row setDouble(int index, double value) {
        touched(index).setDouble(row, value);
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
