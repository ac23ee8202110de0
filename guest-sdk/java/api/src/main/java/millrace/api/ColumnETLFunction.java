package millrace.api;

/**
 * Records in, any number of records out, by whole batches of columns: for functions that compute over many values at once,
 * where even a call per record costs too much.
 *
 * <p>A thrown exception is the fault of the whole batch; a record that cannot be processed is {@link #reject rejected}.
 */
public abstract class ColumnETLFunction extends ETLFunction {
    /** Turns the records of a batch into records. */
    public abstract void ETL(Columns in, ColumnOutput out) throws Exception;

    /** Says that a record of the batch cannot be processed, and goes on if the node's policy allows it. */
    protected final void reject(int row, String message) {
        if (context == null || !context.reject(row, message)) {
            throw new IllegalStateException(message);
        }
    }

    @Override
    public final void ETL(Row row, Collector<Row> out) {
        throw new UnsupportedOperationException("this function takes batches");
    }
}
