package millrace.runtime;

import millrace.api.Columns;
import millrace.api.Row;
import millrace.api.RowKind;
import org.teavm.interop.Address;

/** The input batch by column. */
final class InputColumns extends Columns {
    final InputRow input;
    private int rows;

    InputColumns(InputRow input) {
        this.input = input;
    }

    void start(int count) {
        rows = count;
    }

    Column column(String name) {
        int index = input.names.find(name);
        if (index < 0) {
            throw new IllegalArgumentException("there is no column `" + name + "`, the columns are " + input.names);
        }
        return input.columns[index];
    }

    @Override
    public int rows() {
        return rows;
    }

    @Override
    public boolean has(String column) {
        return input.names.find(column) >= 0;
    }

    @Override
    public boolean[] nulls(String name) {
        Column column = column(name);
        if (column.validity == 0) {
            return null;
        }
        boolean[] nulls = new boolean[rows];
        for (int i = 0; i < rows; i++) {
            nulls[i] = column.isNull(i);
        }
        return nulls;
    }

    @Override
    public boolean[] booleans(String name) {
        Column column = column(name);
        boolean[] values = new boolean[rows];
        for (int i = 0; i < rows; i++) {
            values[i] = !column.isNull(i) && column.getBoolean(i);
        }
        return values;
    }

    @Override
    public int[] ints(String name) {
        Column column = column(name);
        int[] values = new int[rows];
        if (column.type.code == ColumnType.INT) {
            Memory.copy(Address.ofData(values).toInt(), column.data, rows << 2);
            clear(column, values);
        } else {
            for (int i = 0; i < rows; i++) {
                values[i] = column.isNull(i) ? 0 : column.getInt(i);
            }
        }
        return values;
    }

    private static void clear(Column column, int[] values) {
        for (int i = 0; column.validity != 0 && i < values.length; i++) {
            values[i] = column.isNull(i) ? 0 : values[i];
        }
    }

    @Override
    public long[] longs(String name) {
        Column column = column(name);
        long[] values = new long[rows];
        if (column.type.code == ColumnType.BIGINT && column.validity == 0) {
            Memory.copy(Address.ofData(values).toInt(), column.data, rows << 3);
        } else {
            for (int i = 0; i < rows; i++) {
                values[i] = column.isNull(i) ? 0 : column.getLong(i);
            }
        }
        return values;
    }

    @Override
    public double[] doubles(String name) {
        Column column = column(name);
        double[] values = new double[rows];
        if (column.type.code == ColumnType.DOUBLE && column.validity == 0) {
            Memory.copy(Address.ofData(values).toInt(), column.data, rows << 3);
        } else {
            for (int i = 0; i < rows; i++) {
                values[i] = column.isNull(i) ? 0 : column.getDouble(i);
            }
        }
        return values;
    }

    @Override
    public String[] strings(String name) {
        Column column = column(name);
        String[] values = new String[rows];
        for (int i = 0; i < rows; i++) {
            values[i] = column.getString(i);
        }
        return values;
    }

    @Override
    public RowKind kind(int row) {
        check(row);
        input.row = row;
        return input.kind();
    }

    @Override
    public Row row(int row) {
        check(row);
        input.row = row;
        return input;
    }

    void check(int row) {
        if (row < 0 || row >= rows) {
            throw new IndexOutOfBoundsException("row " + row + " of a batch with " + rows);
        }
    }
}
