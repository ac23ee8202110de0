package millrace.classlib;

import java.util.concurrent.atomic.AtomicInteger;

/** AtomicInteger. */
@Adds(to = AtomicInteger.class)
final class AtomicIntegers {
    private AtomicIntegers() {}

    public static int getPlain(AtomicInteger value) {
        return value.get();
    }

    public static int getAcquire(AtomicInteger value) {
        return value.get();
    }

    public static void setPlain(AtomicInteger value, int to) {
        value.set(to);
    }

    public static void setRelease(AtomicInteger value, int to) {
        value.set(to);
    }

    public static int compareAndExchange(AtomicInteger value, int expected, int to) {
        int found = value.get();
        if (found == expected) {
            value.set(to);
        }
        return found;
    }
}
