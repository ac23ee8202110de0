package org.teavm.classlib.java.util.concurrent.locks;

import java.io.Serializable;

/** {@code java.util.concurrent.locks.ReentrantReadWriteLock}: counts, for there is one thread. */
public class TReentrantReadWriteLock implements TReadWriteLock, Serializable {
    private static final long serialVersionUID = 1L;

    private final ReadLock read = new ReadLock();
    private final WriteLock write = new WriteLock();

    public TReentrantReadWriteLock() {}

    public TReentrantReadWriteLock(boolean fair) {}

    @Override
    public ReadLock readLock() {
        return read;
    }

    @Override
    public WriteLock writeLock() {
        return write;
    }

    /** The lock of readers. */
    public static class ReadLock extends TReentrantLock {
        private static final long serialVersionUID = 1L;
    }

    /** The lock of writers. */
    public static class WriteLock extends TReentrantLock {
        private static final long serialVersionUID = 1L;
    }
}
