package org.apache.flink.api.java.tuple;

import java.util.Objects;

/** Two values. */
public class Tuple2<T0, T1> implements java.io.Serializable {
    private static final long serialVersionUID = 1L;

    /** Field 0. */
    public T0 f0;
    /** Field 1. */
    public T1 f1;

    /** All null. */
    public Tuple2() {}

    /** These values. */
    public Tuple2(T0 f0, T1 f1) {
        this.f0 = f0;
        this.f1 = f1;
    }

    /** These values. */
    public static <T0, T1> Tuple2<T0, T1> of(T0 f0, T1 f1) {
        return new Tuple2<>(f0, f1);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Tuple2)) {
            return false;
        }
        Tuple2<?, ?> tuple = (Tuple2<?, ?>) other;
        return Objects.equals(f0, tuple.f0)
            && Objects.equals(f1, tuple.f1);
    }

    @Override
    public int hashCode() {
        return Objects.hash(f0, f1);
    }

    @Override
    public String toString() {
        return "(" + f0 + "," + f1 + ")";
    }
}
