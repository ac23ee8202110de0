package millrace.classlib;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** TimeUnit. */
@Adds(to = TimeUnit.class)
final class Times {
    private Times() {}

    public static long convert(TimeUnit unit, Duration duration) {
        return unit.convert(duration.getSeconds(), TimeUnit.SECONDS) + unit.convert(duration.getNano(), TimeUnit.NANOSECONDS);
    }
}
