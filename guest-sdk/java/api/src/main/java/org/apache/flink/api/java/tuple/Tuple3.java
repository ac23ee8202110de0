package org.apache.flink.api.java.tuple;

import java.util.Objects;

/** Three values. */
public class Tuple3<T0, T1, T2> implements java.io.Serializable {
    private static final long serialVersionUID = 1L;

    /** Field 0. */
    public T0 f0;
    /** Field 1. */
    public T1 f1;
    /** Field 2. */
    public T2 f2;

    /** All null. */
    public Tuple3() {}

    /** These values. */
    public Tuple3(T0 f0, T1 f1, T2 f2) {
        this.f0 = f0;
        this.f1 = f1;
        this.f2 = f2;
    }

    /** These values. */
    public static <T0, T1, T2> Tuple3<T0, T1, T2> of(T0 f0, T1 f1, T2 f2) {
        return new Tuple3<>(f0, f1, f2);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Tuple3)) {
            return false;
        }
        Tuple3<?, ?, ?> tuple = (Tuple3<?, ?, ?>) other;
        return Objects.equals(f0, tuple.f0)
            && Objects.equals(f1, tuple.f1)
            && Objects.equals(f2, tuple.f2);
    }

    @Override
    public int hashCode() {
        return Objects.hash(f0, f1, f2);
    }

    @Override
    public String toString() {
        return "(" + f0 + "," + f1 + "," + f2 + ")";
    }
}
