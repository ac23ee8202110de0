package millrace.runtime;

import java.lang.reflect.Array;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import millrace.api.Row;

/** Values between columns and the classes that SQL functions use. */
public final class Values {
    private Values() {}

    /** A row as Flink's class, by position. */
    public static org.apache.flink.types.Row flinkRow(Row row) {
        if (row == null) {
            return null;
        }
        org.apache.flink.types.Row fields = new org.apache.flink.types.Row(row.size());
        for (int i = 0; i < row.size(); i++) {
            fields.setField(i, row.get(i));
        }
        return fields;
    }

    /** The fields of Flink's row into columns, by name if it has names. */
    public static void give(org.apache.flink.types.Row fields, Row out) {
        boolean named = fields.getFieldNames(false) != null;
        if (!named && fields.getArity() != out.size()) {
            throw new IllegalArgumentException("the function declares " + out.size() + " columns, found a row of " + fields.getArity());
        }
        for (int i = 0; i < out.size(); i++) {
            out.set(i, named ? fields.getField(out.name(i)) : fields.getField(i));
        }
    }

    /** A row of the fields of an object; null if it is null. */
    public static Row row(Object value, String[] names, Function<Object, Object[]> fields) {
        if (value == null) {
            return null;
        }
        Row row = new Row(Arrays.asList(names));
        Object[] values = fields.apply(value);
        for (int i = 0; i < values.length; i++) {
            row.set(i, values[i]);
        }
        return row;
    }

    /** A list as an array of this element type; null if it is null. */
    public static Object array(List<?> list, Class<?> element) {
        if (list == null) {
            return null;
        }
        Object array = Array.newInstance(element, list.size());
        for (int i = 0; i < list.size(); i++) {
            Array.set(array, i, list.get(i));
        }
        return array;
    }

    /** A decimal from scale and unscaled value. */
    public static BigDecimal decimal(int scale, byte[] unscaled) {
        return new BigDecimal(new BigInteger(unscaled), scale);
    }
}
