package org.apache.flink.api.java.tuple;

import java.util.Objects;

/** Four values. */
public class Tuple4<T0, T1, T2, T3> implements java.io.Serializable {
    private static final long serialVersionUID = 1L;

    /** Field 0. */
    public T0 f0;
    /** Field 1. */
    public T1 f1;
    /** Field 2. */
    public T2 f2;
    /** Field 3. */
    public T3 f3;

    /** All null. */
    public Tuple4() {}

    /** These values. */
    public Tuple4(T0 f0, T1 f1, T2 f2, T3 f3) {
        this.f0 = f0;
        this.f1 = f1;
        this.f2 = f2;
        this.f3 = f3;
    }

    /** These values. */
    public static <T0, T1, T2, T3> Tuple4<T0, T1, T2, T3> of(T0 f0, T1 f1, T2 f2, T3 f3) {
        return new Tuple4<>(f0, f1, f2, f3);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Tuple4)) {
            return false;
        }
        Tuple4<?, ?, ?, ?> tuple = (Tuple4<?, ?, ?, ?>) other;
        return Objects.equals(f0, tuple.f0)
            && Objects.equals(f1, tuple.f1)
            && Objects.equals(f2, tuple.f2)
            && Objects.equals(f3, tuple.f3);
    }

    @Override
    public int hashCode() {
        return Objects.hash(f0, f1, f2, f3);
    }

    @Override
    public String toString() {
        return "(" + f0 + "," + f1 + "," + f2 + "," + f3 + ")";
    }
}
