package millrace.api;

import java.util.List;

/** Writes a system that Millrace does not know, over granted capabilities. */
public abstract class SinkOperator extends Contextual {
    /** Whether it takes updates and deletes; inserts it always takes. */
    public boolean acceptsChanges() {
        return false;
    }

    /**
     * Called once.
     *
     * @param inputColumns columns that will come, in order
     * @param restored what {@link #prepare} answered that may not have been committed: must be settled
     */
    public abstract void open(List<String> inputColumns, Place place, List<byte[]> restored) throws Exception;

    /** Takes a row. */
    public abstract void write(Row row) throws Exception;

    /** Called after the rows of a batch, so that several can be sent at once. */
    public void flush() throws Exception {}

    /** A barrier: everything written is delivered on return, or is contained in the answer. */
    public byte[] prepare(long checkpoint) throws Exception {
        return new byte[0];
    }

    /** The checkpoint is durable: makes visible what was prepared for it and before. */
    public void commit(long checkpoint) throws Exception {}
}
