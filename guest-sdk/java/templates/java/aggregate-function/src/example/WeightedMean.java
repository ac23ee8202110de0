package example;

import org.apache.flink.table.functions.AggregateFunction;

/** {@code WEIGHTED_MEAN(value, weight)}; {@code retract} lets it stand where rows are taken back. */
public class WeightedMean extends AggregateFunction<Double, WeightedMean.Sum> {
    /** Public fields are what checkpoints keep. */
    public static class Sum {
        public double total;
        public double weight;
    }

    @Override
    public Sum createAccumulator() {
        return new Sum();
    }

    @Override
    public Double getValue(Sum sum) {
        return sum.weight == 0 ? null : sum.total / sum.weight;
    }

    public void accumulate(Sum sum, Double value, Double weight) {
        add(sum, value, weight, 1);
    }

    public void retract(Sum sum, Double value, Double weight) {
        add(sum, value, weight, -1);
    }

    public void merge(Sum sum, Iterable<Sum> others) {
        for (Sum other : others) {
            sum.total += other.total;
            sum.weight += other.weight;
        }
    }

    private static void add(Sum sum, Double value, Double weight, int times) {
        if (value != null && weight != null) {
            sum.total += times * value * weight;
            sum.weight += times * weight;
        }
    }
}
