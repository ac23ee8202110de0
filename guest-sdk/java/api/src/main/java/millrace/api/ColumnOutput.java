package millrace.api;

/**
 * The records of an answer by column: first how many there are, then each column once. A column that is not set is null.
 */
public abstract class ColumnOutput {
    /** How many records there are. */
    public abstract void rows(int rows);

    /** Sets a BOOLEAN column. */
    public abstract void set(String column, boolean[] values);

    /** Sets a TINYINT, SMALLINT or INT column. */
    public abstract void set(String column, int[] values);

    /** Sets a column of integers. */
    public abstract void set(String column, long[] values);

    /** Sets a FLOAT or DOUBLE column. */
    public abstract void set(String column, double[] values);

    /** Sets a column of text; null is null. */
    public abstract void set(String column, String[] values);

    /** Sets a column of any type from objects; null is null. */
    public abstract void set(String column, Object[] values);

    /** Sets the values of these rows to null; after the column has been set. */
    public abstract void setNulls(String column, boolean[] nulls);

    /**
     * Sets a column to values of a column of the input of the same type, without looking at them.
     *
     * @param from name of the input's column
     * @param rows for each record of the answer the row of the input
     */
    public abstract void take(String column, String from, int[] rows);

    /** Sets what happens to a record. */
    public abstract void kind(int row, RowKind kind);
}
