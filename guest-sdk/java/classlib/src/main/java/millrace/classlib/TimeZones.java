package millrace.classlib;

import java.time.ZoneId;
import java.util.TimeZone;

/** TimeZone. */
@Adds(to = TimeZone.class)
final class TimeZones {
    private TimeZones() {}

    public static ZoneId toZoneId(TimeZone zone) {
        return ZoneId.of(zone.getID(), ZoneId.SHORT_IDS);
    }

    public static TimeZone getTimeZone(ZoneId zone) {
        String id = zone.getId();
        char first = id.charAt(0);
        return TimeZone.getTimeZone(first == '+' || first == '-' ? "GMT" + id : id.equals("Z") ? "UTC" : id);
    }
}
