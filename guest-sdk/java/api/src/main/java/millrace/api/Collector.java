package millrace.api;

/** Takes what a function produces. */
@FunctionalInterface
public interface Collector<T> {
    /** Takes one; the function may use the object again afterwards. */
    void collect(T value);

    /**
     * A row to fill and collect: it has the columns of the output, all null, and is used again for the next one. Cheaper
     * than a new row; only where rows are collected.
     */
    default Row row() {
        return new Row();
    }
}
