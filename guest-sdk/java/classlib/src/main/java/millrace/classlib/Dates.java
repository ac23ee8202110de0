package millrace.classlib;

import java.time.Instant;
import java.util.Date;

/** Date. */
@Adds(to = Date.class)
final class Dates {
    private Dates() {}

    public static Date from(Instant instant) {
        return new Date(instant.toEpochMilli());
    }

    public static Instant toInstant(Date date) {
        return Instant.ofEpochMilli(date.getTime());
    }
}
