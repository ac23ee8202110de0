package org.teavm.classlib.java.util.concurrent.atomic;

import java.io.Serializable;
import java.util.Arrays;
import java.util.function.IntBinaryOperator;
import java.util.function.IntUnaryOperator;

/** {@code java.util.concurrent.atomic.AtomicIntegerArray}. */
public class TAtomicIntegerArray implements Serializable {
    private static final long serialVersionUID = 1L;

    private final int[] values;

    public TAtomicIntegerArray(int length) {
        values = new int[length];
    }

    public TAtomicIntegerArray(int[] values) {
        this.values = values.clone();
    }

    public final int length() {
        return values.length;
    }

    public final int get(int i) {
        return values[i];
    }

    public final void set(int i, int value) {
        values[i] = value;
    }

    public final void lazySet(int i, int value) {
        values[i] = value;
    }

    public final int getAndSet(int i, int value) {
        int old = values[i];
        values[i] = value;
        return old;
    }

    public final boolean compareAndSet(int i, int expected, int value) {
        boolean same = values[i] == expected;
        if (same) {
            values[i] = value;
        }
        return same;
    }

    public final int getAndIncrement(int i) {
        return values[i]++;
    }

    public final int getAndDecrement(int i) {
        return values[i]--;
    }

    public final int getAndAdd(int i, int delta) {
        int old = values[i];
        values[i] += delta;
        return old;
    }

    public final int incrementAndGet(int i) {
        return ++values[i];
    }

    public final int decrementAndGet(int i) {
        return --values[i];
    }

    public final int addAndGet(int i, int delta) {
        return values[i] += delta;
    }

    public final int getAndUpdate(int i, IntUnaryOperator function) {
        return getAndSet(i, function.applyAsInt(values[i]));
    }

    public final int updateAndGet(int i, IntUnaryOperator function) {
        return values[i] = function.applyAsInt(values[i]);
    }

    public final int getAndAccumulate(int i, int x, IntBinaryOperator function) {
        return getAndSet(i, function.applyAsInt(values[i], x));
    }

    public final int accumulateAndGet(int i, int x, IntBinaryOperator function) {
        return values[i] = function.applyAsInt(values[i], x);
    }

    @Override
    public String toString() {
        return Arrays.toString(values);
    }
}
