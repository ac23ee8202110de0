package millrace.classlib;

import java.util.concurrent.atomic.AtomicBoolean;

/** AtomicBoolean. */
@Adds(to = AtomicBoolean.class)
final class AtomicBooleans {
    private AtomicBooleans() {}

    public static boolean getPlain(AtomicBoolean value) {
        return value.get();
    }

    public static boolean getAcquire(AtomicBoolean value) {
        return value.get();
    }

    public static void setPlain(AtomicBoolean value, boolean to) {
        value.set(to);
    }

    public static void setRelease(AtomicBoolean value, boolean to) {
        value.set(to);
    }

    public static boolean compareAndExchange(AtomicBoolean value, boolean expected, boolean to) {
        boolean found = value.get();
        if (found == expected) {
            value.set(to);
        }
        return found;
    }
}
