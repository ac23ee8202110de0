package millrace.classlib;

import java.util.concurrent.atomic.AtomicLong;

/** AtomicLong. */
@Adds(to = AtomicLong.class)
final class AtomicLongs {
    private AtomicLongs() {}

    public static long getPlain(AtomicLong value) {
        return value.get();
    }

    public static long getAcquire(AtomicLong value) {
        return value.get();
    }

    public static void setPlain(AtomicLong value, long to) {
        value.set(to);
    }

    public static void setRelease(AtomicLong value, long to) {
        value.set(to);
    }

    public static long compareAndExchange(AtomicLong value, long expected, long to) {
        long found = value.get();
        if (found == expected) {
            value.set(to);
        }
        return found;
    }
}
