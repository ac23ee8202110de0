package millrace.api;

/**
 * The records of a batch by column. Arrays are the caller's own; the value at a null is 0, false or null.
 *
 * <p>A column of that name must be there and of that type: everything else is an {@link IllegalArgumentException} or a
 * {@link ClassCastException} that names it.
 */
public abstract class Columns {
    /** Number of records. */
    public abstract int rows();

    /** Whether there is a column of that name. */
    public abstract boolean has(String column);

    /** Which values are null; null if none is. */
    public abstract boolean[] nulls(String column);

    /** A BOOLEAN. */
    public abstract boolean[] booleans(String column);

    /** A TINYINT, SMALLINT or INT. */
    public abstract int[] ints(String column);

    /** Any integer. */
    public abstract long[] longs(String column);

    /** Any number. */
    public abstract double[] doubles(String column);

    /** Text. */
    public abstract String[] strings(String column);

    /** What happens to a record; INSERT unless the stream carries changes. */
    public abstract RowKind kind(int row);

    /** A record as a row, valid during the call, for values of other types. */
    public abstract Row row(int row);
}
