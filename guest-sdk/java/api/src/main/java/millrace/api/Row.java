package millrace.api;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A record: named values. {@code null} is SQL's NULL.
 *
 * <p>Values are {@link Boolean}, {@link Byte}, {@link Short}, {@link Integer}, {@link Long}, {@link Float}, {@link Double},
 * {@link BigDecimal}, {@link String}, {@code byte[]}, {@link LocalDate}, {@link LocalTime}, {@link LocalDateTime}
 * (TIMESTAMP), {@link Instant} (TIMESTAMP_LTZ), {@link List} (ARRAY), {@link Map} (MAP) and {@code Row} (ROW).
 *
 * <p>The row that is given to {@link ETLFunction#ETL(Row)} is valid during that call only: a component uses it again for
 * the next record. {@link #copy()} keeps one. Reading columns by position ({@link #indexOf}) is cheaper than by name, and
 * the getters of primitive types make no objects.
 */
public class Row {
    private List<String> names;
    private Object[] values;
    private RowKind kind = RowKind.INSERT;

    /** An empty row: {@link #set(String, Object)} adds columns. */
    public Row() {
        names = new ArrayList<>();
        values = new Object[8];
    }

    /** A row with these columns, all null. */
    public Row(List<String> names) {
        this.names = names;
        values = new Object[names.size()];
    }

    /** For rows that keep their values elsewhere and override every accessor. */
    protected Row(List<String> names, Object[] values) {
        this.names = names;
        this.values = values;
    }

    /** A row of names and values that alternate: {@code Row.of("id", 1L, "name", "ann")}. */
    public static Row of(Object... namesAndValues) {
        if (namesAndValues.length % 2 != 0) {
            throw new IllegalArgumentException("names and values must alternate, found " + namesAndValues.length + " things");
        }
        Row row = new Row();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            row.set((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return row;
    }

    /** Number of columns. */
    public int size() {
        return names.size();
    }

    /** Names of the columns, in order. */
    public List<String> names() {
        return Collections.unmodifiableList(names);
    }

    /** Name of a column. */
    public String name(int index) {
        return names.get(index);
    }

    /** Position of a column, -1 if there is none of that name. */
    public int indexOf(String name) {
        return names.indexOf(name);
    }

    /** Whether there is a column of that name. */
    public final boolean has(String name) {
        return indexOf(name) >= 0;
    }

    /** What happens to the record; INSERT unless the stream carries changes. */
    public RowKind kind() {
        return kind;
    }

    /** Sets what happens to the record. */
    public Row kind(RowKind kind) {
        this.kind = Objects.requireNonNull(kind, "kind");
        return this;
    }

    private int position(String name) {
        int index = indexOf(name);
        if (index < 0) {
            throw unknown(name);
        }
        return index;
    }

    private IllegalArgumentException unknown(String name) {
        return new IllegalArgumentException("there is no column `" + name + "`, the columns are " + names());
    }

    // Values by position.

    /** The value. */
    public Object get(int index) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("column " + index + " of a row with " + size());
        }
        return values[index];
    }

    /** Whether the value is null. */
    public boolean isNull(int index) {
        return get(index) == null;
    }

    private Object present(int index) {
        Object value = get(index);
        if (value == null) {
            throw new NullPointerException("column `" + name(index) + "` is null");
        }
        return value;
    }

    private RuntimeException mismatch(int index, Object value, String wanted) {
        return new ClassCastException(
            "column `" + name(index) + "` has a value of type " + value.getClass().getSimpleName() + ", not " + wanted);
    }

    private Number number(int index, String wanted) {
        Object value = present(index);
        if (value instanceof Number) {
            return (Number) value;
        }
        throw mismatch(index, value, wanted);
    }

    /** A BOOLEAN; null is a {@link NullPointerException}, as for all getters of primitive types. */
    public boolean getBoolean(int index) {
        Object value = present(index);
        if (value instanceof Boolean) {
            return (Boolean) value;
        }
        throw mismatch(index, value, "boolean");
    }

    /** A TINYINT, SMALLINT or INT. */
    public int getInt(int index) {
        return number(index, "int").intValue();
    }

    /** Any integer. */
    public long getLong(int index) {
        return number(index, "long").longValue();
    }

    /** Any number as a FLOAT. */
    public float getFloat(int index) {
        return number(index, "float").floatValue();
    }

    /** Any number as a DOUBLE. */
    public double getDouble(int index) {
        return number(index, "double").doubleValue();
    }

    /** Text; null if the value is null. */
    public String getString(int index) {
        Object value = get(index);
        return value == null ? null : value.toString();
    }

    /** A DECIMAL or any integer; null if the value is null. */
    public BigDecimal getDecimal(int index) {
        Object value = get(index);
        if (value == null || value instanceof BigDecimal) {
            return (BigDecimal) value;
        }
        if (value instanceof Double || value instanceof Float) {
            return BigDecimal.valueOf(((Number) value).doubleValue());
        }
        if (value instanceof Number) {
            return new BigDecimal(value.toString());
        }
        throw mismatch(index, value, "decimal");
    }

    private <T> T typed(int index, Class<T> type) {
        Object value = get(index);
        if (value == null || type.isInstance(value)) {
            return type.cast(value);
        }
        throw mismatch(index, value, type.getSimpleName());
    }

    /** BYTES; null if the value is null. */
    public byte[] getBytes(int index) {
        return typed(index, byte[].class);
    }

    /** A DATE; null if the value is null. */
    public LocalDate getDate(int index) {
        return typed(index, LocalDate.class);
    }

    /** A TIME; null if the value is null. */
    public LocalTime getTime(int index) {
        return typed(index, LocalTime.class);
    }

    /** A TIMESTAMP; null if the value is null. */
    public LocalDateTime getTimestamp(int index) {
        return typed(index, LocalDateTime.class);
    }

    /** A TIMESTAMP_LTZ; null if the value is null. */
    public Instant getInstant(int index) {
        return typed(index, Instant.class);
    }

    /** A ROW; null if the value is null. */
    public Row getRow(int index) {
        return typed(index, Row.class);
    }

    /** An ARRAY; null if the value is null. */
    public List<?> getList(int index) {
        return typed(index, List.class);
    }

    /** A MAP; null if the value is null. */
    public Map<?, ?> getMap(int index) {
        return typed(index, Map.class);
    }

    /** Sets a value. */
    public Row set(int index, Object value) {
        if (index < 0 || index >= size()) {
            throw new IndexOutOfBoundsException("column " + index + " of a row with " + size());
        }
        values[index] = value;
        return this;
    }

    /** Sets an integer; makes no object in a component. */
    public Row setLong(int index, long value) {
        return set(index, value);
    }

    /** Sets an INT; makes no object in a component. */
    public Row setInt(int index, int value) {
        return set(index, value);
    }

    /** Sets a DOUBLE; makes no object in a component. */
    public Row setDouble(int index, double value) {
        return set(index, value);
    }

    /** Sets a BOOLEAN; makes no object in a component. */
    public Row setBoolean(int index, boolean value) {
        return set(index, value);
    }

    // The same by name.

    /** The value; null also if there is no such column, see {@link #has}. */
    public final Object get(String name) {
        int index = indexOf(name);
        return index < 0 ? null : get(index);
    }

    /** Whether the value is null or there is no such column. */
    public final boolean isNull(String name) {
        int index = indexOf(name);
        return index < 0 || isNull(index);
    }

    /** {@link #getBoolean(int)} by name; a column that is not there is an {@link IllegalArgumentException}. */
    public final boolean getBoolean(String name) {
        return getBoolean(position(name));
    }

    /** {@link #getInt(int)} by name. */
    public final int getInt(String name) {
        return getInt(position(name));
    }

    /** {@link #getLong(int)} by name. */
    public final long getLong(String name) {
        return getLong(position(name));
    }

    /** {@link #getFloat(int)} by name. */
    public final float getFloat(String name) {
        return getFloat(position(name));
    }

    /** {@link #getDouble(int)} by name. */
    public final double getDouble(String name) {
        return getDouble(position(name));
    }

    /** {@link #getString(int)} by name. */
    public final String getString(String name) {
        return getString(position(name));
    }

    /** {@link #getDecimal(int)} by name. */
    public final BigDecimal getDecimal(String name) {
        return getDecimal(position(name));
    }

    /** {@link #getBytes(int)} by name. */
    public final byte[] getBytes(String name) {
        return getBytes(position(name));
    }

    /** {@link #getDate(int)} by name. */
    public final LocalDate getDate(String name) {
        return getDate(position(name));
    }

    /** {@link #getTime(int)} by name. */
    public final LocalTime getTime(String name) {
        return getTime(position(name));
    }

    /** {@link #getTimestamp(int)} by name. */
    public final LocalDateTime getTimestamp(String name) {
        return getTimestamp(position(name));
    }

    /** {@link #getInstant(int)} by name. */
    public final Instant getInstant(String name) {
        return getInstant(position(name));
    }

    /** {@link #getRow(int)} by name. */
    public final Row getRow(String name) {
        return getRow(position(name));
    }

    /** {@link #getList(int)} by name. */
    public final List<?> getList(String name) {
        return getList(position(name));
    }

    /** {@link #getMap(int)} by name. */
    public final Map<?, ?> getMap(String name) {
        return getMap(position(name));
    }

    /** Sets a value; adds the column if there is none of that name. */
    public Row set(String name, Object value) {
        int index = indexOf(name);
        if (index < 0) {
            if (!(names instanceof ArrayList)) {
                names = new ArrayList<>(names);
            }
            index = names.size();
            names.add(Objects.requireNonNull(name, "name"));
            if (index >= values.length) {
                values = Arrays.copyOf(values, Math.max(8, index * 2));
            }
        }
        return set(index, value);
    }

    /** {@link #setLong(int, long)} by name. */
    public Row setLong(String name, long value) {
        return set(name, value);
    }

    /** {@link #setInt(int, int)} by name. */
    public Row setInt(String name, int value) {
        return set(name, value);
    }

    /** {@link #setDouble(int, double)} by name. */
    public Row setDouble(String name, double value) {
        return set(name, value);
    }

    /** {@link #setBoolean(int, boolean)} by name. */
    public Row setBoolean(String name, boolean value) {
        return set(name, value);
    }

    /** Sets all columns of another row, by name, and its kind; without objects if both are rows of a component. */
    public void copyTo(Row target) {
        for (int i = 0; i < names.size(); i++) {
            target.set(names.get(i), values[i]);
        }
        target.kind(kind);
    }

    /** A row of its own with the same columns, values and kind. */
    public Row copy() {
        int size = size();
        Object[] copied = new Object[size];
        List<String> copiedNames = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            copied[i] = get(i);
            copiedNames.add(name(i));
        }
        return new Row(copiedNames, copied).kind(kind());
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Row)) {
            return false;
        }
        Row row = (Row) other;
        if (row.size() != size() || row.kind() != kind()) {
            return false;
        }
        for (int i = 0; i < size(); i++) {
            if (!name(i).equals(row.name(i)) || !Objects.deepEquals(get(i), row.get(i))) {
                return false;
            }
        }
        return true;
    }

    @Override
    public int hashCode() {
        int hash = kind().hashCode();
        for (int i = 0; i < size(); i++) {
            Object value = get(i);
            hash = 31 * hash + (value instanceof byte[] ? Arrays.hashCode((byte[]) value) : Objects.hashCode(value));
        }
        return hash;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(kind().shortString()).append('{');
        for (int i = 0; i < size(); i++) {
            Object value = get(i);
            text.append(i == 0 ? "" : ", ").append(name(i)).append('=');
            text.append(value instanceof byte[] ? Arrays.toString((byte[]) value) : String.valueOf(value));
        }
        return text.append('}').toString();
    }
}
