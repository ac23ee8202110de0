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
        return column(index).isNull(row);
    }

    @Override
    public final boolean getBoolean(int index) {
        return column(index).getBoolean(row);
    }

    @Override
    public final int getInt(int index) {
        return column(index).getInt(row);
    }

    @Override
    public final long getLong(int index) {
        return column(index).getLong(row);
    }

    @Override
    public final float getFloat(int index) {
        return column(index).getFloat(row);
    }

    @Override
    public final double getDouble(int index) {
        return column(index).getDouble(row);
    }

    @Override
    public final String getString(int index) {
        return column(index).getString(row);
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
