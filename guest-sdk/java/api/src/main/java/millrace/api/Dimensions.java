package millrace.api;

import java.util.ArrayList;
import java.util.List;

/** The dimension tables of the job: {@code dac} in functions. */
public abstract class Dimensions {
    /**
     * Looks keys up in a table of the job.
     *
     * @param table name of the table, null for the job's only one
     * @param keys for each lookup the values of the key columns, in order
     * @return one row per key, in the same order; null where the table has no such key
     */
    protected abstract List<Row> lookup(String table, List<Object[]> keys);

    /** The row of a key in the job's only dimension table; null if there is none. */
    public final Row getConfigByKey(Object key) {
        return getConfigByKey(null, key);
    }

    /** The row of a key, one value per key column, in a table of the job; null if there is none. */
    public final Row getConfigByKey(String table, Object... key) {
        List<Object[]> keys = new ArrayList<>(1);
        keys.add(key);
        return lookup(table, keys).get(0);
    }

    /**
     * The rows of many keys of one column with one call of the host; null where the table has no such key.
     *
     * @param table name of the table, null for the job's only one
     */
    public final List<Row> getConfigsByKeys(String table, List<?> keys) {
        List<Object[]> wrapped = new ArrayList<>(keys.size());
        for (Object key : keys) {
            wrapped.add(new Object[] {key});
        }
        return lookup(table, wrapped);
    }
}
