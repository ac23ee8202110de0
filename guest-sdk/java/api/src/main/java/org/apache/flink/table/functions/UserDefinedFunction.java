package org.apache.flink.table.functions;

import java.io.Serializable;

/** What scalar, table and aggregate functions share. */
public abstract class UserDefinedFunction implements Serializable {
    private static final long serialVersionUID = 1L;

    /** Called once per instance before any row. */
    public void open(FunctionContext context) throws Exception {}

    /** Called when no row will come any more, if the instance ends in order. */
    public void close() throws Exception {}

    /** Whether equal arguments always give equal results. */
    public boolean isDeterministic() {
        return true;
    }

    @Override
    public String toString() {
        return getClass().getSimpleName();
    }
}
