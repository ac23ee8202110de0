package millrace.runtime;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import millrace.api.Row;
import org.teavm.interop.Unmanaged;

/**
 * A column of a batch where it lies in linear memory. Of the input it is bound to what the host has written; of the
 * output it owns buffers that grow.
 *
 * <p>Invariant: row numbers are within the batch or below {@link #capacity}; who calls has checked.
 */
abstract class Column {
    final String name;
    final ColumnType type;
    final boolean nullable;

    /** Address of the values; of text and lists that of the offsets. */
    int data;
    /** Address of the validity bits, 0 if there are no nulls. */
    int validity;
    /** Rows that an output column has room for. */
    int capacity;
    /** Address of this column's cell in the current call, 0 if it has none; see {@link Cells}. */
    int cell;

    Column(String name, ColumnType type, boolean nullable) {
        this.name = name;
        this.type = type;
        this.nullable = nullable;
    }

    /** Direct children. */
    Column[] children() {
        return NO_COLUMNS;
    }

    static final Column[] NO_COLUMNS = {};

    // Input.

    /** Binds to the record `column` of `types.wit` at an address. */
    final void bind(int record) {
        bindData(record);
        validity = Memory.readByte(record + 20) == 0 ? 0 : Memory.readInt(record + 24);
        tellCell();
    }

    /** Tells the cell, if there is one, where the values lie now. */
    void tellCell() {
        if (cell != 0) {
            Cells.placed(cell, data, validity);
        }
    }

    void bindData(int record) {
        data = Memory.readInt(record + 4);
    }

    // Output.

    /** Makes room for so many rows and forgets all that was written. */
    final void start(int rows) {
        capacity = 0;
        data = 0;
        validity = 0;
        startData();
        grow(rows);
    }

    void startData() {}

    /** Makes room for so many rows. */
    final void grow(int rows) {
        growData(rows);
        if (validity != 0) {
            int grown = allocateBits(rows);
            Memory.copy(grown, validity, (capacity + 7) >> 3);
            validity = grown;
        }
        capacity = rows;
        tellCell();
    }

    abstract void growData(int rows);

    /** The buffer with more room; keeps what is in it. */
    final int grown(int buffer, int bytes, int bytesWanted) {
        int grown = Memory.allocate(8, bytesWanted);
        if (buffer != 0) {
            Memory.copy(grown, buffer, bytes);
        }
        return grown;
    }

    private static int allocateBits(int rows) {
        int bytes = (rows + 7) >> 3;
        int bits = Memory.allocate(8, bytes);
        Memory.fill(bits, 0xff, bytes);
        return bits;
    }

    /** Sets a row to null; the column must take it. */
    final void setNull(int row) {
        if (!nullable) {
            throw new IllegalArgumentException("column `" + name + "` takes no null");
        }
        if (validity == 0) {
            validity = allocateBits(capacity);
            tellCell();
        }
        int at = validity + (row >> 3);
        Memory.writeByte(at, Memory.readByte(at) & ~(1 << (row & 7)));
        setNullData(row);
    }

    /** Leaves what lies under a null in order. */
    void setNullData(int row) {}

    /** A value is written: the row is not null (any more). */
    final void setPresent(int row) {
        if (validity != 0) {
            int at = validity + (row >> 3);
            Memory.writeByte(at, Memory.readByte(at) | 1 << (row & 7));
        }
    }

    /** Writes the records `column` of this column and its children for so many rows; answers the address behind them. */
    final int write(int record, int rows) {
        Memory.fill(record, 0, RECORD_BYTES);
        writeData(record, rows);
        if (validity != 0) {
            Memory.writeByte(record + 20, 1);
            Memory.writeInt(record + 24, validity);
            Memory.writeInt(record + 28, (rows + 7) >> 3);
        }
        int next = record + RECORD_BYTES;
        for (Column child : children()) {
            next = child.write(next, childRows(rows));
        }
        return next;
    }

    /** Bytes of the record `column`. */
    static final int RECORD_BYTES = 32;

    abstract void writeData(int record, int rows);

    int childRows(int rows) {
        return rows;
    }

    static void writeList(int record, int dataCase, int address, int length) {
        Memory.writeByte(record, dataCase);
        Memory.writeInt(record + 4, address);
        Memory.writeInt(record + 8, length);
    }

    // Reading.

    @Unmanaged
    final boolean isNull(int row) {
        return validity != 0 && (Memory.readByte(validity + (row >> 3)) >> (row & 7) & 1) == 0;
    }

    /** For getters that cannot answer null. */
    final void requirePresent(int row) {
        if (validity != 0 && isNull(row)) {
            throw new NullPointerException("column `" + name + "` is null");
        }
    }

    final ClassCastException mismatch(String wanted) {
        return new ClassCastException("column `" + name + "` is " + type + ", not " + wanted);
    }

    final RuntimeException unfit(String value) {
        return new IllegalArgumentException("column `" + name + "` is " + type + ", found " + value);
    }

    final RuntimeException unfit(Object value) {
        return unfit("a value of " + value.getClass().getName());
    }

    /** The value as an object, null if it is null. */
    final Object get(int row) {
        return isNull(row) ? null : object(row);
    }

    abstract Object object(int row);

    boolean getBoolean(int row) {
        throw mismatch("boolean");
    }

    int getInt(int row) {
        throw mismatch("int");
    }

    long getLong(int row) {
        throw mismatch("long");
    }

    float getFloat(int row) {
        return (float) getDouble(row);
    }

    double getDouble(int row) {
        throw mismatch("a number");
    }

    String getString(int row) {
        throw mismatch("text");
    }

    BigDecimal getDecimal(int row) {
        throw mismatch("a decimal");
    }

    byte[] getBytes(int row) {
        throw mismatch("bytes");
    }

    LocalDate getDate(int row) {
        throw mismatch("a date");
    }

    LocalTime getTime(int row) {
        throw mismatch("a time");
    }

    LocalDateTime getTimestamp(int row) {
        throw mismatch("a timestamp");
    }

    Instant getInstant(int row) {
        throw mismatch("a timestamp with local time zone");
    }

    Row getRow(int row) {
        throw mismatch("a row");
    }

    List<?> getList(int row) {
        throw mismatch("an array");
    }

    Map<?, ?> getMap(int row) {
        throw mismatch("a map");
    }

    // Writing.

    /** Sets a value that is not null. */
    abstract void set(int row, Object value);

    void setBoolean(int row, boolean value) {
        throw unfit("a boolean");
    }

    void setLong(int row, long value) {
        throw unfit("an integer");
    }

    void setDouble(int row, double value) {
        throw unfit("a double");
    }

    /** Copies a value, null too, from a column of the same type. */
    final void copy(int row, Column from, int fromRow) {
        if (from.isNull(fromRow)) {
            setNull(row);
        } else {
            copyData(row, from, fromRow);
            setPresent(row);
        }
    }

    abstract void copyData(int row, Column from, int fromRow);

    /** Whether a column has the same type, names of nested fields aside. */
    final boolean hasTypeOf(Column other) {
        Column[] own = children();
        Column[] others = other.children();
        if (!type.isSame(other.type) || own.length != others.length) {
            return false;
        }
        for (int i = 0; i < own.length; i++) {
            if (!own[i].hasTypeOf(others[i])) {
                return false;
            }
        }
        return true;
    }
}
