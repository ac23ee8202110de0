package org.apache.flink.api.java.tuple;

import java.util.Objects;

/** Five values. */
public class Tuple5<T0, T1, T2, T3, T4> implements java.io.Serializable {
    private static final long serialVersionUID = 1L;

    /** Field 0. */
    public T0 f0;
    /** Field 1. */
    public T1 f1;
    /** Field 2. */
    public T2 f2;
    /** Field 3. */
    public T3 f3;
    /** Field 4. */
    public T4 f4;

    /** All null. */
    public Tuple5() {}

    /** These values. */
    public Tuple5(T0 f0, T1 f1, T2 f2, T3 f3, T4 f4) {
        this.f0 = f0;
        this.f1 = f1;
        this.f2 = f2;
        this.f3 = f3;
        this.f4 = f4;
    }

    /** These values. */
    public static <T0, T1, T2, T3, T4> Tuple5<T0, T1, T2, T3, T4> of(T0 f0, T1 f1, T2 f2, T3 f3, T4 f4) {
        return new Tuple5<>(f0, f1, f2, f3, f4);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Tuple5)) {
            return false;
        }
        Tuple5<?, ?, ?, ?, ?> tuple = (Tuple5<?, ?, ?, ?, ?>) other;
        return Objects.equals(f0, tuple.f0)
            && Objects.equals(f1, tuple.f1)
            && Objects.equals(f2, tuple.f2)
            && Objects.equals(f3, tuple.f3)
            && Objects.equals(f4, tuple.f4);
    }

    @Override
    public int hashCode() {
        return Objects.hash(f0, f1, f2, f3, f4);
    }

    @Override
    public String toString() {
        return "(" + f0 + "," + f1 + "," + f2 + "," + f3 + "," + f4 + ")";
    }
}
