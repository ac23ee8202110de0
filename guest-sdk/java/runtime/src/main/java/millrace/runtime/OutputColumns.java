package millrace.runtime;

import millrace.api.ColumnOutput;
import millrace.api.RowKind;
import org.teavm.interop.Address;

/** The answer by column. */
final class OutputColumns extends ColumnOutput {
    private final Output output;
    private final Names names;
    private final InputColumns input;
    private final boolean[] isSet;
    private int rows;

    OutputColumns(Output output, InputColumns input) {
        this.output = output;
        this.names = new Names(output.columns);
        this.input = input;
        this.isSet = new boolean[output.columns.length];
    }

    void start() {
        rows = 0;
        for (int i = 0; i < isSet.length; i++) {
            isSet[i] = false;
        }
    }

    /** What has not been set is null. */
    void end() {
        for (int i = 0; i < isSet.length; i++) {
            for (int row = 0; !isSet[i] && row < rows; row++) {
                output.columns[i].setNull(row);
            }
        }
        output.rows(rows);
    }

    private int index(String name) {
        int index = names.find(name);
        if (index < 0) {
            throw new IllegalArgumentException("the output has no column `" + name + "`, its columns are " + names);
        }
        return index;
    }

    /** The column, which is set now and once. */
    private Column column(String name, int length) {
        int index = index(name);
        if (isSet[index]) {
            throw new IllegalStateException("column `" + name + "` is set a second time");
        }
        if (length < rows) {
            throw new IllegalArgumentException("column `" + name + "` is given " + length + " values, the answer has " + rows + " rows");
        }
        isSet[index] = true;
        return output.columns[index];
    }

    @Override
    public void rows(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("an answer of " + count + " rows");
        }
        for (boolean set : isSet) {
            if (set) {
                throw new IllegalStateException("the number of rows comes before the columns");
            }
        }
        output.reserve(count);
        rows = count;
    }

    @Override
    public void set(String name, boolean[] values) {
        Column column = column(name, values.length);
        for (int i = 0; i < rows; i++) {
            column.setBoolean(i, values[i]);
        }
    }

    @Override
    public void set(String name, int[] values) {
        Column column = column(name, values.length);
        if (column.type.code == ColumnType.INT) {
            Memory.copy(column.data, Address.ofData(values).toInt(), rows << 2);
        } else {
            for (int i = 0; i < rows; i++) {
                column.setLong(i, values[i]);
            }
        }
    }

    @Override
    public void set(String name, long[] values) {
        Column column = column(name, values.length);
        if (column.type.code == ColumnType.BIGINT) {
            Memory.copy(column.data, Address.ofData(values).toInt(), rows << 3);
        } else {
            for (int i = 0; i < rows; i++) {
                column.setLong(i, values[i]);
            }
        }
    }

    @Override
    public void set(String name, double[] values) {
        Column column = column(name, values.length);
        if (column.type.code == ColumnType.DOUBLE) {
            Memory.copy(column.data, Address.ofData(values).toInt(), rows << 3);
        } else {
            for (int i = 0; i < rows; i++) {
                column.setDouble(i, values[i]);
            }
        }
    }

    @Override
    public void set(String name, String[] values) {
        set(name, (Object[]) values);
    }

    @Override
    public void set(String name, Object[] values) {
        Column column = column(name, values.length);
        for (int i = 0; i < rows; i++) {
            if (values[i] == null) {
                column.setNull(i);
            } else {
                column.set(i, values[i]);
            }
        }
    }

    @Override
    public void setNulls(String name, boolean[] nulls) {
        int index = index(name);
        Column column = output.columns[index];
        boolean fixed = column instanceof FixedColumn || column instanceof BooleanColumn;
        if (!isSet[index] || !fixed || nulls.length < rows) {
            throw new IllegalArgumentException(
                "nulls of column `" + name + "`: expected a column of numbers or booleans that is set, and a value for each of "
                    + rows + " rows; text is null where its value is");
        }
        for (int i = 0; i < rows; i++) {
            if (nulls[i]) {
                column.setNull(i);
            }
        }
    }

    @Override
    public void take(String name, String from, int[] chosen) {
        Column source = input.column(from);
        Column column = column(name, chosen.length);
        if (!column.hasTypeOf(source)) {
            throw new IllegalArgumentException("column `" + name + "` of the output is " + column.type + ", found " + source.type);
        }
        for (int i = 0; i < rows; i++) {
            input.check(chosen[i]);
            column.copy(i, source, chosen[i]);
        }
    }

    @Override
    public void kind(int row, RowKind kind) {
        if (row < 0 || row >= rows) {
            throw new IndexOutOfBoundsException("row " + row + " of an answer with " + rows);
        }
        output.kind(row, kind.ordinal());
    }
}
