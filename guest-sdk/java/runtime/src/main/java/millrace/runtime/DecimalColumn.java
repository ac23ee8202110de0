package millrace.runtime;

import java.math.BigDecimal;
import java.math.BigInteger;

/** DECIMAL: unscaled 128-bit numbers, two words each, low word first. */
final class DecimalColumn extends FixedColumn {
    private static final double TWO_TO_64 = 18446744073709551616.0;

    DecimalColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable, 4, 7);
    }

    @Override
    void writeData(int record, int rows) {
        writeList(record, 7, data, rows * 2);
    }

    @Override
    Object object(int row) {
        long low = Memory.readLong(data + (row << 4));
        long high = Memory.readLong(data + (row << 4) + 8);
        if (high == low >> 63) {
            return BigDecimal.valueOf(low, type.scale);
        }
        byte[] bytes = new byte[16];
        for (int i = 0; i < 8; i++) {
            bytes[i] = (byte) (high >> (56 - 8 * i));
            bytes[8 + i] = (byte) (low >> (56 - 8 * i));
        }
        return new BigDecimal(new BigInteger(bytes), type.scale);
    }

    @Override
    BigDecimal getDecimal(int row) {
        return isNull(row) ? null : (BigDecimal) object(row);
    }

    @Override
    double getDouble(int row) {
        requirePresent(row);
        long low = Memory.readLong(data + (row << 4));
        long high = Memory.readLong(data + (row << 4) + 8);
        double unscaled = high == low >> 63 ? low : high * TWO_TO_64 + (low >>> 1) * 2.0 + (low & 1);
        return unscaled / power(type.scale);
    }

    private static double power(int scale) {
        double power = 1;
        for (int i = 0; i < scale; i++) {
            power *= 10;
        }
        return power;
    }

    void write(int row, long high, long low) {
        Memory.writeLong(data + (row << 4), low);
        Memory.writeLong(data + (row << 4) + 8, high);
        setPresent(row);
    }

    @Override
    void setLong(int row, long value) {
        // As many digits before the point as the type has; the scaled value then fits into 128 bits.
        int whole = type.precision - type.scale;
        if (whole < 19 && (value >= Numbers.powerOfTen(whole) || value <= -Numbers.powerOfTen(whole))) {
            throw unfit("the number " + value);
        }
        writeScaled(row, value >> 63, value);
    }

    /** Writes a whole number: times ten as often as the scale says. */
    private void writeScaled(int row, long high, long low) {
        for (int i = 0; i < type.scale; i++) {
            // (high, low) * 10 in two's complement
            high = high * 10 + multiplyHighUnsigned(low);
            low *= 10;
        }
        write(row, high, low);
    }

    /** The upper half of an unsigned number times ten. */
    private static long multiplyHighUnsigned(long low) {
        long lower = (low & 0xffffffffL) * 10;
        long upper = (low >>> 32) * 10 + (lower >>> 32);
        return upper >>> 32;
    }

    @Override
    void set(int row, Object value) {
        if (!ValueClasses.setDecimal(this, row, value)) {
            setLong(row, Numbers.integer(this, value));
        }
    }
}
