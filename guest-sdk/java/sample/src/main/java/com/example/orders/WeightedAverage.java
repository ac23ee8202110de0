package com.example.orders;

import org.apache.flink.table.functions.AggregateFunction;

/** {@code WEIGHTED_AVERAGE(value, weight)}. */
public final class WeightedAverage extends AggregateFunction<Double, WeightedAverage.Accumulator> {
    private static final long serialVersionUID = 1L;

    /** Its public fields are what checkpoints hold. */
    public static class Accumulator {
        public double sum;
        public long weight;
    }

    @Override
    public Accumulator createAccumulator() {
        return new Accumulator();
    }

    @Override
    public Double getValue(Accumulator accumulator) {
        return accumulator.weight == 0 ? null : accumulator.sum / accumulator.weight;
    }

    public void accumulate(Accumulator accumulator, Double value, Long weight) {
        if (value != null && weight != null) {
            accumulator.sum += value * weight;
            accumulator.weight += weight;
        }
    }

    /** Lets the function run over streams with updates. */
    public void retract(Accumulator accumulator, Double value, Long weight) {
        if (value != null && weight != null) {
            accumulator.sum -= value * weight;
            accumulator.weight -= weight;
        }
    }

    /** Lets the function run over session windows. */
    public void merge(Accumulator accumulator, Iterable<Accumulator> others) {
        for (Accumulator other : others) {
            accumulator.sum += other.sum;
            accumulator.weight += other.weight;
        }
    }

    public void resetAccumulator(Accumulator accumulator) {
        accumulator.sum = 0;
        accumulator.weight = 0;
    }
}
