package org.apache.flink.table.functions;

/**
 * One value per group.
 *
 * <p>Public methods by name: {@code accumulate(ACC, ...)} is needed; {@code retract(ACC, ...)} lets rows be taken back;
 * {@code merge(ACC, Iterable<ACC>)} is needed by session and sliced windows; {@code resetAccumulator(ACC)} empties one.
 */
public abstract class AggregateFunction<T, ACC> extends ImperativeAggregateFunction<T, ACC> {
    private static final long serialVersionUID = 1L;

    /** The group's result. */
    public abstract T getValue(ACC accumulator);
}
