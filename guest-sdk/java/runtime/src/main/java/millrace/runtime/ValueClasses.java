package millrace.runtime;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;

/**
 * Values of classes that cost a program much: linked by the entry class only where a tenant's classes name them, so that
 * nobody else carries their code.
 */
public abstract class ValueClasses {
    private static ValueClasses decimals;
    private static ValueClasses times;

    ValueClasses() {}

    /** Sets a value; answers whether it was of the classes here. */
    abstract boolean set(Column column, int row, Object value);

    /** Links {@link BigDecimal} and {@link BigInteger}. */
    public static void linkDecimals() {
        decimals = new Decimals();
    }

    /** Links the classes of {@code java.time}. */
    public static void linkTimes() {
        times = new Times();
    }

    static boolean setDecimal(Column column, int row, Object value) {
        return decimals != null && decimals.set(column, row, value);
    }

    static boolean setTime(TimeColumn column, int row, Object value) {
        return times != null && times.set(column, row, value);
    }

    private static final class Decimals extends ValueClasses {
        @Override
        boolean set(Column column, int row, Object value) {
            BigDecimal number;
            if (value instanceof BigDecimal) {
                number = (BigDecimal) value;
            } else if (value instanceof BigInteger) {
                number = new BigDecimal((BigInteger) value);
            } else {
                return false;
            }
            if (column instanceof DecimalColumn) {
                setDecimal((DecimalColumn) column, row, number);
            } else if (column instanceof DoubleColumn || column instanceof FloatColumn) {
                column.setDouble(row, number.doubleValue());
            } else {
                throw column.unfit(value);
            }
            return true;
        }

        private static void setDecimal(DecimalColumn column, int row, BigDecimal value) {
            BigDecimal scaled = value.setScale(column.type.scale, RoundingMode.HALF_UP);
            if (scaled.precision() > column.type.precision) {
                throw column.unfit("the number " + value);
            }
            BigInteger unscaled = scaled.unscaledValue();
            column.write(row, unscaled.shiftRight(64).longValue(), unscaled.longValue());
        }
    }

    private static final class Times extends ValueClasses {
        private static final long SECONDS_PER_DAY = 86_400;

        @Override
        boolean set(Column column, int row, Object value) {
            TimeColumn time = (TimeColumn) column;
            int code = column.type.code;
            if (code == ColumnType.DATE && value instanceof LocalDate) {
                time.setLong(row, ((LocalDate) value).toEpochDay());
            } else if (code == ColumnType.TIME && value instanceof LocalTime) {
                time.setNanoOfDay(row, ((LocalTime) value).toNanoOfDay());
            } else if (code == ColumnType.TIMESTAMP && value instanceof LocalDateTime) {
                LocalDateTime local = (LocalDateTime) value;
                long days = local.toLocalDate().toEpochDay();
                time.setPoint(row, days * SECONDS_PER_DAY + local.toLocalTime().toSecondOfDay(), local.getNano());
            } else if (code == ColumnType.TIMESTAMP_LTZ && value instanceof Instant) {
                Instant instant = (Instant) value;
                time.setPoint(row, instant.getEpochSecond(), instant.getNano());
            } else {
                return false;
            }
            return true;
        }
    }
}
