package org.teavm.classlib.java.util.concurrent.atomic;

/** {@code java.util.concurrent.atomic.LongAdder}. */
public class TLongAdder extends Number {
    private static final long serialVersionUID = 1L;

    private long sum;

    public TLongAdder() {}

    public void add(long x) {
        sum += x;
    }

    public void increment() {
        sum++;
    }

    public void decrement() {
        sum--;
    }

    public long sum() {
        return sum;
    }

    public void reset() {
        sum = 0;
    }

    public long sumThenReset() {
        long old = sum;
        sum = 0;
        return old;
    }

    @Override
    public String toString() {
        return Long.toString(sum);
    }

    @Override
    public int intValue() {
        return (int) sum;
    }

    @Override
    public long longValue() {
        return (long) sum;
    }

    @Override
    public float floatValue() {
        return (float) sum;
    }

    @Override
    public double doubleValue() {
        return sum;
    }
}
