package millrace.runtime;

import org.teavm.interop.Address;

/** FLOAT. */
final class FloatColumn extends FixedColumn {
    FloatColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable, 2, 5);
    }

    @Override
    Object object(int row) {
        return Address.fromInt(data + (row << 2)).getFloat();
    }

    @Override
    float getFloat(int row) {
        requirePresent(row);
        return Address.fromInt(data + (row << 2)).getFloat();
    }

    @Override
    double getDouble(int row) {
        return getFloat(row);
    }

    @Override
    void setDouble(int row, double value) {
        Address.fromInt(data + (row << 2)).putFloat((float) value);
        setPresent(row);
    }

    @Override
    void setLong(int row, long value) {
        setDouble(row, value);
    }

    @Override
    void set(int row, Object value) {
        if (!ValueClasses.setDecimal(this, row, value)) {
            setDouble(row, Numbers.number(this, value));
        }
    }
}
