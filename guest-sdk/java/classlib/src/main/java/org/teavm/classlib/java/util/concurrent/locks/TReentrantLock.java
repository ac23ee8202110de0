package org.teavm.classlib.java.util.concurrent.locks;

import java.io.Serializable;
import java.util.concurrent.TimeUnit;

/** {@code java.util.concurrent.locks.ReentrantLock}: counts, for there is one thread. */
public class TReentrantLock implements TLock, Serializable {
    private static final long serialVersionUID = 1L;

    private int holds;

    public TReentrantLock() {}

    public TReentrantLock(boolean fair) {}

    @Override
    public void lock() {
        holds++;
    }

    @Override
    public void lockInterruptibly() {
        holds++;
    }

    @Override
    public boolean tryLock() {
        holds++;
        return true;
    }

    @Override
    public boolean tryLock(long time, TimeUnit unit) {
        return tryLock();
    }

    @Override
    public void unlock() {
        if (holds == 0) {
            throw new IllegalMonitorStateException();
        }
        holds--;
    }

    @Override
    public TCondition newCondition() {
        return new TCondition() {};
    }

    public int getHoldCount() {
        return holds;
    }

    public boolean isHeldByCurrentThread() {
        return holds > 0;
    }

    public boolean isLocked() {
        return holds > 0;
    }
}
