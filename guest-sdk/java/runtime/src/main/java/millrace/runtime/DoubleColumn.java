package millrace.runtime;

import org.teavm.interop.Address;

/** DOUBLE. */
final class DoubleColumn extends FixedColumn {
    DoubleColumn(String name, ColumnType type, boolean nullable) {
        super(name, type, nullable, 3, 6);
    }

    @Override
    Object object(int row) {
        return Address.fromInt(data + (row << 3)).getDouble();
    }

    @Override
    double getDouble(int row) {
        requirePresent(row);
        return Address.fromInt(data + (row << 3)).getDouble();
    }

    @Override
    void setDouble(int row, double value) {
        Address.fromInt(data + (row << 3)).putDouble(value);
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
