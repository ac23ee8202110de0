package millrace.classlib;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.ZoneOffset;

/** LocalTime. */
@Adds(to = LocalTime.class)
final class LocalTimes {
    private LocalTimes() {}

    @Static
    public static LocalTime ofInstant(Instant instant, ZoneId zone) {
        return instant.atZone(zone).toLocalTime();
    }

    public static long toEpochSecond(LocalTime time, LocalDate date, ZoneOffset offset) {
        return LocalDates.toEpochSecond(date, time, offset);
    }
}
