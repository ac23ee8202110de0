package acme;
import org.apache.flink.table.functions.AggregateFunction;
public class Longest extends AggregateFunction<Long, Longest.Acc> {
    /** Ten kilobytes for each group. */
    public static class Acc { public long rows; public long[] kept = new long[1280]; }
    public Acc createAccumulator() { return new Acc(); }
    public Long getValue(Acc acc) { return acc.rows + acc.kept[1279]; }
    public void accumulate(Acc acc, long value) { acc.rows++; acc.kept[1279] = value; }
}
