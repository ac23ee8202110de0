package org.apache.flink.table.functions;

import org.apache.flink.api.common.typeinfo.TypeInformation;

/**
 * One value per row, by one or more public methods named {@code eval}.
 *
 * <p>Types are taken from the methods' parameters and result and from {@code @DataTypeHint} and {@code @FunctionHint}.
 */
public abstract class ScalarFunction extends UserDefinedFunction {
    private static final long serialVersionUID = 1L;

    /** The result type in the older style; null: taken from {@code eval}. */
    public TypeInformation<?> getResultType(Class<?>[] signature) {
        return null;
    }
}
