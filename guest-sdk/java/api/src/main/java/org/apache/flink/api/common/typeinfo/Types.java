package org.apache.flink.api.common.typeinfo;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.types.Row;

/** Types by name. */
public final class Types {
    /** STRING. */
    public static final TypeInformation<String> STRING = BasicTypeInfo.STRING_TYPE_INFO;
    /** BOOLEAN. */
    public static final TypeInformation<Boolean> BOOLEAN = BasicTypeInfo.BOOLEAN_TYPE_INFO;
    /** TINYINT. */
    public static final TypeInformation<Byte> BYTE = BasicTypeInfo.BYTE_TYPE_INFO;
    /** SMALLINT. */
    public static final TypeInformation<Short> SHORT = BasicTypeInfo.SHORT_TYPE_INFO;
    /** INT. */
    public static final TypeInformation<Integer> INT = BasicTypeInfo.INT_TYPE_INFO;
    /** BIGINT. */
    public static final TypeInformation<Long> LONG = BasicTypeInfo.LONG_TYPE_INFO;
    /** FLOAT. */
    public static final TypeInformation<Float> FLOAT = BasicTypeInfo.FLOAT_TYPE_INFO;
    /** DOUBLE. */
    public static final TypeInformation<Double> DOUBLE = BasicTypeInfo.DOUBLE_TYPE_INFO;
    /** DECIMAL(38, 18). */
    public static final TypeInformation<BigDecimal> BIG_DEC = BasicTypeInfo.BIG_DEC_TYPE_INFO;
    /** DECIMAL(38, 0). */
    public static final TypeInformation<BigInteger> BIG_INT = BasicTypeInfo.BIG_INT_TYPE_INFO;
    /** DATE. */
    public static final TypeInformation<LocalDate> LOCAL_DATE = new TypeInformation<>(LocalDate.class, "DATE");
    /** TIME(9). */
    public static final TypeInformation<LocalTime> LOCAL_TIME = new TypeInformation<>(LocalTime.class, "TIME(9)");
    /** TIMESTAMP(9). */
    public static final TypeInformation<LocalDateTime> LOCAL_DATE_TIME =
        new TypeInformation<>(LocalDateTime.class, "TIMESTAMP(9)");
    /** TIMESTAMP_LTZ(9). */
    public static final TypeInformation<Instant> INSTANT = new TypeInformation<>(Instant.class, "TIMESTAMP_LTZ(9)");
    /** DATE, as {@code java.sql} has it. */
    public static final TypeInformation<java.sql.Date> SQL_DATE = SqlTimeTypeInfo.DATE;
    /** TIME, as {@code java.sql} has it. */
    public static final TypeInformation<java.sql.Time> SQL_TIME = SqlTimeTypeInfo.TIME;
    /** TIMESTAMP, as {@code java.sql} has it. */
    public static final TypeInformation<java.sql.Timestamp> SQL_TIMESTAMP = SqlTimeTypeInfo.TIMESTAMP;

    private static final TypeInformation<?>[] BY_CLASS = {
        STRING, BOOLEAN, BYTE, SHORT, INT, LONG, FLOAT, DOUBLE, BIG_DEC, BIG_INT, LOCAL_DATE, LOCAL_TIME, LOCAL_DATE_TIME,
        INSTANT, SQL_DATE, SQL_TIME, SQL_TIMESTAMP, new TypeInformation<>(byte[].class, "BYTES"),
    };

    private Types() {}

    @SuppressWarnings("unchecked")
    static <T> TypeInformation<T> ofClass(Class<T> typeClass) {
        for (TypeInformation<?> type : BY_CLASS) {
            if (type.getTypeClass() == typeClass) {
                return (TypeInformation<T>) type;
            }
        }
        return new TypeInformation<>(typeClass, null);
    }

    /** A row of fields named {@code f0}, {@code f1} and so on. */
    public static TypeInformation<Row> ROW(TypeInformation<?>... types) {
        return new RowTypeInfo(types);
    }

    /** A row of these fields. */
    public static TypeInformation<Row> ROW_NAMED(String[] names, TypeInformation<?>... types) {
        return new RowTypeInfo(types, names);
    }

    /** A map. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public static <K, V> TypeInformation<Map<K, V>> MAP(TypeInformation<K> key, TypeInformation<V> value) {
        return new TypeInformation<>((Class) Map.class, "MAP<" + key.sqlType() + ", " + value.sqlType() + ">");
    }

    /** A list. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    public static <E> TypeInformation<List<E>> LIST(TypeInformation<E> element) {
        return new TypeInformation<>((Class) List.class, "ARRAY<" + element.sqlType() + ">");
    }

    /** An array of objects. */
    public static <E> TypeInformation<Object[]> OBJECT_ARRAY(TypeInformation<E> element) {
        return new TypeInformation<>(Object[].class, "ARRAY<" + element.sqlType() + ">");
    }

    /** A class of fields. */
    public static <T> TypeInformation<T> POJO(Class<T> typeClass) {
        return new TypeInformation<>(typeClass, null);
    }
}
