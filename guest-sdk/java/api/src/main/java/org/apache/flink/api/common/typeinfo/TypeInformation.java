package org.apache.flink.api.common.typeinfo;

import java.io.Serializable;

/** The type of values, in the older style of Flink's functions. Here it is the Java class and the SQL type. */
public class TypeInformation<T> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Class<T> typeClass;
    private final String sqlType;

    /** Values of this class stand for this SQL type. */
    protected TypeInformation(Class<T> typeClass, String sqlType) {
        this.typeClass = typeClass;
        this.sqlType = sqlType;
    }

    /** The type of a class. */
    public static <T> TypeInformation<T> of(Class<T> typeClass) {
        return Types.ofClass(typeClass);
    }

    /** The type that a hint holds. */
    public static <T> TypeInformation<T> of(TypeHint<T> hint) {
        return hint.getTypeInfo();
    }

    /** The Java class. */
    public Class<T> getTypeClass() {
        return typeClass;
    }

    /** The type as SQL writes it; null for a class that has none: its fields say it. Not in Flink. */
    public final String sqlType() {
        return sqlType;
    }

    /** Number of fields; 1 unless it is a row. */
    public int getArity() {
        return 1;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TypeInformation
            && typeClass == ((TypeInformation<?>) other).typeClass
            && java.util.Objects.equals(sqlType, ((TypeInformation<?>) other).sqlType);
    }

    @Override
    public int hashCode() {
        return typeClass.getName().hashCode();
    }

    @Override
    public String toString() {
        return sqlType != null ? sqlType : typeClass.getName();
    }
}
