package millrace.classlib;

import java.time.Instant;
import java.util.Calendar;

/** Calendar. */
@Adds(to = Calendar.class)
final class Calendars {
    private Calendars() {}

    public static Instant toInstant(Calendar calendar) {
        return Instant.ofEpochMilli(calendar.getTimeInMillis());
    }
}
