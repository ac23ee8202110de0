package org.teavm.classlib.java.util.concurrent.atomic;

import java.io.Serializable;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/** {@code java.util.concurrent.atomic.AtomicReferenceArray}. */
public class TAtomicReferenceArray<E> implements Serializable {
    private static final long serialVersionUID = 1L;

    private final Object[] values;

    public TAtomicReferenceArray(int length) {
        values = new Object[length];
    }

    public TAtomicReferenceArray(E[] values) {
        this.values = Arrays.copyOf(values, values.length, Object[].class);
    }

    public final int length() {
        return values.length;
    }

    @SuppressWarnings("unchecked")
    public final E get(int i) {
        return (E) values[i];
    }

    public final void set(int i, E value) {
        values[i] = value;
    }

    public final E getAndSet(int i, E value) {
        E old = get(i);
        values[i] = value;
        return old;
    }

    public final boolean compareAndSet(int i, E expected, E value) {
        boolean same = values[i] == expected;
        if (same) {
            values[i] = value;
        }
        return same;
    }

    public final E updateAndGet(int i, UnaryOperator<E> function) {
        E value = function.apply(get(i));
        values[i] = value;
        return value;
    }

    @Override
    public String toString() {
        return Arrays.toString(values);
    }
}
