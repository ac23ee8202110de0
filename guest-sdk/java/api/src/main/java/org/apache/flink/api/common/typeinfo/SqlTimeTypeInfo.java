package org.apache.flink.api.common.typeinfo;

import java.sql.Date;
import java.sql.Time;
import java.sql.Timestamp;

/** Types of the classes of {@code java.sql}. */
public class SqlTimeTypeInfo<T> extends TypeInformation<T> {
    private static final long serialVersionUID = 1L;

    /** DATE. */
    public static final SqlTimeTypeInfo<Date> DATE = new SqlTimeTypeInfo<>(Date.class, "DATE");
    /** TIME. */
    public static final SqlTimeTypeInfo<Time> TIME = new SqlTimeTypeInfo<>(Time.class, "TIME(0)");
    /** TIMESTAMP. */
    public static final SqlTimeTypeInfo<Timestamp> TIMESTAMP = new SqlTimeTypeInfo<>(Timestamp.class, "TIMESTAMP(3)");

    private SqlTimeTypeInfo(Class<T> typeClass, String sqlType) {
        super(typeClass, sqlType);
    }
}
