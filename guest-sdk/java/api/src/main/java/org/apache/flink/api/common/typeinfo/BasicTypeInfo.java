package org.apache.flink.api.common.typeinfo;

import java.math.BigDecimal;
import java.math.BigInteger;

/** Types of single values. */
public class BasicTypeInfo<T> extends TypeInformation<T> {
    private static final long serialVersionUID = 1L;

    /** STRING. */
    public static final BasicTypeInfo<String> STRING_TYPE_INFO = new BasicTypeInfo<>(String.class, "STRING");
    /** BOOLEAN. */
    public static final BasicTypeInfo<Boolean> BOOLEAN_TYPE_INFO = new BasicTypeInfo<>(Boolean.class, "BOOLEAN");
    /** TINYINT. */
    public static final BasicTypeInfo<Byte> BYTE_TYPE_INFO = new BasicTypeInfo<>(Byte.class, "TINYINT");
    /** SMALLINT. */
    public static final BasicTypeInfo<Short> SHORT_TYPE_INFO = new BasicTypeInfo<>(Short.class, "SMALLINT");
    /** INT. */
    public static final BasicTypeInfo<Integer> INT_TYPE_INFO = new BasicTypeInfo<>(Integer.class, "INT");
    /** BIGINT. */
    public static final BasicTypeInfo<Long> LONG_TYPE_INFO = new BasicTypeInfo<>(Long.class, "BIGINT");
    /** FLOAT. */
    public static final BasicTypeInfo<Float> FLOAT_TYPE_INFO = new BasicTypeInfo<>(Float.class, "FLOAT");
    /** DOUBLE. */
    public static final BasicTypeInfo<Double> DOUBLE_TYPE_INFO = new BasicTypeInfo<>(Double.class, "DOUBLE");
    /** DECIMAL(38, 18). */
    public static final BasicTypeInfo<BigDecimal> BIG_DEC_TYPE_INFO = new BasicTypeInfo<>(BigDecimal.class, "DECIMAL(38, 18)");
    /** DECIMAL(38, 0). */
    public static final BasicTypeInfo<BigInteger> BIG_INT_TYPE_INFO = new BasicTypeInfo<>(BigInteger.class, "DECIMAL(38, 0)");

    BasicTypeInfo(Class<T> typeClass, String sqlType) {
        super(typeClass, sqlType);
    }
}
