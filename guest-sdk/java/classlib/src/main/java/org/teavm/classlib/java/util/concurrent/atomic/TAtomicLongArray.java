package org.teavm.classlib.java.util.concurrent.atomic;

import java.io.Serializable;
import java.util.Arrays;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/** {@code java.util.concurrent.atomic.AtomicLongArray}. */
public class TAtomicLongArray implements Serializable {
    private static final long serialVersionUID = 1L;

    private final long[] values;

    public TAtomicLongArray(int length) {
        values = new long[length];
    }

    public TAtomicLongArray(long[] values) {
        this.values = values.clone();
    }

    public final int length() {
        return values.length;
    }

    public final long get(int i) {
        return values[i];
    }

    public final void set(int i, long value) {
        values[i] = value;
    }

    public final void lazySet(int i, long value) {
        values[i] = value;
    }

    public final long getAndSet(int i, long value) {
        long old = values[i];
        values[i] = value;
        return old;
    }

    public final boolean compareAndSet(int i, long expected, long value) {
        boolean same = values[i] == expected;
        if (same) {
            values[i] = value;
        }
        return same;
    }

    public final long getAndIncrement(int i) {
        return values[i]++;
    }

    public final long getAndDecrement(int i) {
        return values[i]--;
    }

    public final long getAndAdd(int i, long delta) {
        long old = values[i];
        values[i] += delta;
        return old;
    }

    public final long incrementAndGet(int i) {
        return ++values[i];
    }

    public final long decrementAndGet(int i) {
        return --values[i];
    }

    public final long addAndGet(int i, long delta) {
        return values[i] += delta;
    }

    public final long getAndUpdate(int i, LongUnaryOperator function) {
        return getAndSet(i, function.applyAsLong(values[i]));
    }

    public final long updateAndGet(int i, LongUnaryOperator function) {
        return values[i] = function.applyAsLong(values[i]);
    }

    public final long getAndAccumulate(int i, long x, LongBinaryOperator function) {
        return getAndSet(i, function.applyAsLong(values[i], x));
    }

    public final long accumulateAndGet(int i, long x, LongBinaryOperator function) {
        return values[i] = function.applyAsLong(values[i], x);
    }

    @Override
    public String toString() {
        return Arrays.toString(values);
    }
}
