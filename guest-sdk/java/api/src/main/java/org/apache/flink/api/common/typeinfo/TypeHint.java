package org.apache.flink.api.common.typeinfo;

/**
 * The type of a generic class. Type arguments are not there when a component runs, so the build refuses this way of naming
 * a type: use {@link Types} or {@code @DataTypeHint}.
 */
public abstract class TypeHint<T> {
    /** Always an {@link UnsupportedOperationException}. */
    public TypeInformation<T> getTypeInfo() {
        throw new UnsupportedOperationException("TypeHint is not supported, use Types or @DataTypeHint");
    }
}
