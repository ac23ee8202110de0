package millrace.api;

import java.util.List;

/** Fills a dimension table that other operators look up by key. */
public abstract class DimensionUpdater extends Contextual {
    /** Called once. */
    public void open() throws Exception {}

    /** Key columns as a JSON Schema, as {@link ETLFunction#tableSchema}. */
    public abstract String key();

    /** Value columns as a JSON Schema. */
    public abstract String tableSchema();

    /** How long a loaded row may be used, in milliseconds; 0: for ever. */
    public long timeToLiveMs() {
        return 0;
    }

    /** Whether {@link #loadPage} is there, so that the whole table can be kept. */
    public boolean loadsAll() {
        return false;
    }

    /** Gives the rows of these keys, in any order, with key and value columns; a key without a row is left out. */
    public abstract void load(List<Row> keys, Collector<Row> out) throws Exception;

    /**
     * Gives a page of the whole table.
     *
     * @param cursor null for the first page, then what the last call answered
     * @return null at the end
     */
    public byte[] loadPage(byte[] cursor, Collector<Row> out) throws Exception {
        throw new UnsupportedOperationException(getClass().getName() + " does not override loadPage");
    }
}
