package org.teavm.classlib.java.util.concurrent.atomic;

/** {@code java.util.concurrent.atomic.DoubleAdder}. */
public class TDoubleAdder extends Number {
    private static final long serialVersionUID = 1L;

    private double sum;

    public TDoubleAdder() {}

    public void add(double x) {
        sum += x;
    }

    public double sum() {
        return sum;
    }

    public void reset() {
        sum = 0;
    }

    public double sumThenReset() {
        double old = sum;
        sum = 0;
        return old;
    }

    @Override
    public String toString() {
        return Double.toString(sum);
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
