package org.teavm.classlib.java.util.concurrent.locks;

import java.util.concurrent.TimeUnit;

/** {@code java.util.concurrent.locks.Condition}. There is one thread: nobody could signal, so waiting is refused. */
public interface TCondition {
    default void await() throws InterruptedException {
        throw new IllegalStateException("waiting would last for ever: a component has one thread");
    }

    default boolean await(long time, TimeUnit unit) throws InterruptedException {
        return false;
    }

    default void signal() {}

    default void signalAll() {}
}
