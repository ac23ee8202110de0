package millrace.runtime;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import millrace.api.Row;

/** A row of columns: reads where they lie. */
abstract class BoundRow extends Row {
    final Column[] columns;
    final Names names;
    /** Which row of the batch. */
    int row;
    /** Address of the columns' cells. */
    int cells = Cells.none();

    BoundRow(Column[] columns, Names names) {
        super(null, null);
        this.columns = columns;
        this.names = names;
    }

    @Override
    public final int size() {
        return columns.length;
    }

    @Override
    public final List<String> names() {
        return names;
    }

    @Override
    public final String name(int index) {
        return column(index).name;
    }

    @Override
    public final int indexOf(String name) {
        return names.find(name);
    }

    final Column column(int index) {
        // The array checks the bounds.
        return columns[index];
    }

    @Override
    public final Object get(int index) {
        return column(index).get(row);
    }

    @Override
    public final boolean isNull(int index) {
        int state = Cells.isNull(cells, index, row);
        return state < 0 ? column(index).isNull(row) : state != 0;
    }

    @Override
    public final boolean getBoolean(int index) {
        if (Cells.has(cells, index, ColumnType.BOOLEAN, row)) {
            return Cells.booleanAt(cells, index, row);
        }
        return column(index).getBoolean(row);
    }

    @Override
    public final int getInt(int index) {
        if (Cells.has(cells, index, ColumnType.INT, row)) {
            return Cells.intAt(cells, index, row);
        }
        return column(index).getInt(row);
    }

    @Override
    public final long getLong(int index) {
        if (Cells.has(cells, index, ColumnType.BIGINT, row)) {
            return Cells.longAt(cells, index, row);
        }
        return column(index).getLong(row);
    }

    @Override
    public final float getFloat(int index) {
        return column(index).getFloat(row);
    }

    @Override
    public final double getDouble(int index) {
        if (Cells.has(cells, index, ColumnType.DOUBLE, row)) {
            return Cells.doubleAt(cells, index, row);
        }
        return column(index).getDouble(row);
    }

    @Override
    public final String getString(int index) {
        Object text = Cells.textAt(cells, index, row);
        return text != null ? (String) text : column(index).getString(row);
    }

    @Override
    public final BigDecimal getDecimal(int index) {
        return column(index).getDecimal(row);
    }

    @Override
    public final byte[] getBytes(int index) {
        return column(index).getBytes(row);
    }

    @Override
    public final LocalDate getDate(int index) {
        return column(index).getDate(row);
    }

    @Override
    public final LocalTime getTime(int index) {
        return column(index).getTime(row);
    }

    @Override
    public final LocalDateTime getTimestamp(int index) {
        return column(index).getTimestamp(row);
    }

    @Override
    public final Instant getInstant(int index) {
        return column(index).getInstant(row);
    }

    @Override
    public final Row getRow(int index) {
        return column(index).getRow(row);
    }

    @Override
    public final List<?> getList(int index) {
        return column(index).getList(row);
    }

    @Override
    public final Map<?, ?> getMap(int index) {
        return column(index).getMap(row);
    }
}
