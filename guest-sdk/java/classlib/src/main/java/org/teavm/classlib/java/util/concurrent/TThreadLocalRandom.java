package org.teavm.classlib.java.util.concurrent;

import java.util.Random;

/** {@code java.util.concurrent.ThreadLocalRandom}: one for the one thread. */
public class TThreadLocalRandom extends Random {
    private static final long serialVersionUID = 1L;
    private static TThreadLocalRandom current;

    private TThreadLocalRandom(long seed) {
        super(seed);
    }

    public static TThreadLocalRandom current() {
        if (current == null) {
            current = new TThreadLocalRandom((long) (Math.random() * 9.007199254740992E15));
        }
        return current;
    }
}
