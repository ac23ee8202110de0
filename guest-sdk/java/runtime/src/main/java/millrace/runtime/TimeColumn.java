package millrace.runtime;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.ZoneOffset;

/** DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ: whole numbers of a unit that the precision decides. */
final class TimeColumn extends FixedColumn {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final boolean narrow;
    /** Units in a second; 0 of a date. */
    private final long unitsPerSecond;

    TimeColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable, isNarrow(type) ? 2 : 3, isNarrow(type) ? 3 : 4);
        this.narrow = isNarrow(type);
        this.unitsPerSecond = unitsPerSecond(type);
    }

    private static boolean isNarrow(ColumnType type) {
        return type.code == ColumnType.DATE || type.code == ColumnType.TIME && type.precision <= 3;
    }

    private static long unitsPerSecond(ColumnType type) {
        if (type.code == ColumnType.DATE) {
            return 0;
        }
        if (type.precision <= 3) {
            return 1_000;
        }
        return type.code == ColumnType.TIME || type.precision > 6 ? NANOS_PER_SECOND : 1_000_000;
    }

    private long value(int row) {
        return narrow ? Memory.readInt(data + (row << 2)) : Memory.readLong(data + (row << 3));
    }

    private void write(int row, long value) {
        if (narrow) {
            Memory.writeInt(data + (row << 2), (int) value);
        } else {
            Memory.writeLong(data + (row << 3), value);
        }
        setPresent(row);
    }

    @Override
    Object object(int row) {
        switch (type.code) {
            case ColumnType.DATE:
                return LocalDate.ofEpochDay(value(row));
            case ColumnType.TIME:
                return LocalTime.ofNanoOfDay(value(row) * (NANOS_PER_SECOND / unitsPerSecond));
            case ColumnType.TIMESTAMP:
                return LocalDateTime.ofEpochSecond(seconds(row), nanos(row), ZoneOffset.UTC);
            default:
                return Instant.ofEpochSecond(seconds(row), nanos(row));
        }
    }

    private long seconds(int row) {
        return Math.floorDiv(value(row), unitsPerSecond);
    }

    private int nanos(int row) {
        return (int) (Math.floorMod(value(row), unitsPerSecond) * (NANOS_PER_SECOND / unitsPerSecond));
    }

    private void require(int code, String wanted) {
        if (type.code != code) {
            throw mismatch(wanted);
        }
    }

    @Override
    LocalDate getDate(int row) {
        require(ColumnType.DATE, "a date");
        return isNull(row) ? null : LocalDate.ofEpochDay(value(row));
    }

    @Override
    LocalTime getTime(int row) {
        require(ColumnType.TIME, "a time");
        return isNull(row) ? null : LocalTime.ofNanoOfDay(value(row) * (NANOS_PER_SECOND / unitsPerSecond));
    }

    @Override
    LocalDateTime getTimestamp(int row) {
        require(ColumnType.TIMESTAMP, "a timestamp");
        return isNull(row) ? null : LocalDateTime.ofEpochSecond(seconds(row), nanos(row), ZoneOffset.UTC);
    }

    @Override
    Instant getInstant(int row) {
        require(ColumnType.TIMESTAMP_LTZ, "a timestamp with local time zone");
        return isNull(row) ? null : Instant.ofEpochSecond(seconds(row), nanos(row));
    }

    /** Days, or units of a point in time, as numbers: what is cheapest to calculate with. */
    @Override
    long getLong(int row) {
        requirePresent(row);
        return value(row);
    }

    @Override
    void setLong(int row, long value) {
        if (narrow && value != (int) value) {
            throw unfit("the number " + value);
        }
        write(row, value);
    }

    void setPoint(int row, long seconds, int nanos) {
        long fraction = nanos / (NANOS_PER_SECOND / unitsPerSecond);
        write(row, Math.addExact(Math.multiplyExact(seconds, unitsPerSecond), fraction));
    }

    void setNanoOfDay(int row, long nanos) {
        write(row, nanos / (NANOS_PER_SECOND / unitsPerSecond));
    }

    @Override
    void set(int row, Object value) {
        if (!ValueClasses.setTime(this, row, value)) {
            throw unfit(value);
        }
    }
}
