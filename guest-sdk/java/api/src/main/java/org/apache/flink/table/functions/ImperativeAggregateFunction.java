package org.apache.flink.table.functions;

import org.apache.flink.api.common.typeinfo.TypeInformation;

/** What functions share that keep an accumulator per group. */
public abstract class ImperativeAggregateFunction<T, ACC> extends UserDefinedFunction {
    private static final long serialVersionUID = 1L;

    /** A new, empty accumulator. */
    public abstract ACC createAccumulator();

    /** The result type in the older style; null: taken from the class and its hints. */
    public TypeInformation<T> getResultType() {
        return null;
    }

    /** The accumulator's type in the older style; null: taken from the class and its hints. */
    public TypeInformation<ACC> getAccumulatorType() {
        return null;
    }
}
