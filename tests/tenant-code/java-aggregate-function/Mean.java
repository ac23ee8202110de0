package acme;

import org.apache.flink.table.functions.AggregateFunction;

/** The mean, with rows that are taken back. */
public class Mean extends AggregateFunction<Double, Mean.Sum> {
    public static class Sum {
        public double total;
        public long count;
    }

    @Override
    public Sum createAccumulator() {
        return new Sum();
    }

    @Override
    public Double getValue(Sum sum) {
        return sum.count == 0 ? null : sum.total / sum.count;
    }

    public void accumulate(Sum sum, Double value) {
        if (value != null) {
            sum.total += value;
            sum.count++;
        }
    }

    public void retract(Sum sum, Double value) {
        if (value != null) {
            sum.total -= value;
            sum.count--;
        }
    }
}
