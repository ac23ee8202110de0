package org.apache.flink.table.functions;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.util.Collector;

/** Any number of rows per row, by one or more public methods named {@code eval} that call {@link #collect}. */
public abstract class TableFunction<T> extends UserDefinedFunction {
    private static final long serialVersionUID = 1L;

    private transient Collector<T> collector;

    /** Sets who takes the rows; a test gives its own. */
    public final void setCollector(Collector<T> collector) {
        this.collector = collector;
    }

    /** The type of the rows in the older style; null: taken from the class and its hints. */
    public TypeInformation<T> getResultType() {
        return null;
    }

    /** Gives a row. */
    protected final void collect(T row) {
        collector.collect(row);
    }
}
