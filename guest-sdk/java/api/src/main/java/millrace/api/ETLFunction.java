package millrace.api;

import java.util.List;

/**
 * Records in, any number of records out.
 *
 * <p>Override one of the two {@code ETL} methods. A thrown exception is the fault of that record: the node's policy decides
 * whether the job fails, or the record is skipped or dead-lettered.
 */
public abstract class ETLFunction extends Contextual {
    /** Columns of the input, in order; valid from {@link #open()} on. */
    protected List<String> inputColumns = List.of();

    /** Sets the columns of the input. Called once, before {@link #open()}. */
    public final void attach(Context context, List<String> inputColumns) {
        attach(context);
        this.inputColumns = inputColumns;
    }

    /** Called once per instance before any record. */
    public void open() throws Exception {}

    /**
     * Columns of the output as a JSON Schema of type {@code object}:
     *
     * <pre>{@code {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}}</pre>
     *
     * <p>A record that does not fit is an error that names the field and both types.
     */
    public abstract String tableSchema();

    /** Turns a record into records; null is none. */
    public List<Row> ETL(Row row) throws Exception {
        throw new UnsupportedOperationException(getClass().getName() + " overrides neither ETL(Row) nor ETL(Row, Collector)");
    }

    /** Turns a record into records: the same without a list, and with rows that are used again, see {@link Collector#row}. */
    public void ETL(Row row, Collector<Row> out) throws Exception {
        List<Row> rows = ETL(row);
        if (rows != null) {
            for (int i = 0; i < rows.size(); i++) {
                out.collect(rows.get(i));
            }
        }
    }

    /** Called when no record will come any more, if the instance ends in order. */
    public void close() throws Exception {}
}
