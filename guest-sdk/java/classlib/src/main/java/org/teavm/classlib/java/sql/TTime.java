package org.teavm.classlib.java.sql;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Date;

/** {@code java.sql.Time}: a time of the first day of 1970 in the default time zone. */
public class TTime extends Date {
    private static final long serialVersionUID = 1L;

    public TTime(long time) {
        super(time);
    }

    public static TTime valueOf(LocalTime time) {
        return new TTime(time.withNano(0).atDate(LocalDate.ofEpochDay(0)).atZone(ZoneId.systemDefault()).toInstant().toEpochMilli());
    }

    public static TTime valueOf(String text) {
        try {
            String[] parts = text.split(":");
            return valueOf(LocalTime.of(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2])));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException();
        }
    }

    public LocalTime toLocalTime() {
        return Instant.ofEpochMilli(getTime()).atZone(ZoneId.systemDefault()).toLocalTime().withNano(0);
    }

    @Override
    public String toString() {
        LocalTime time = toLocalTime();
        return two(time.getHour()) + ":" + two(time.getMinute()) + ":" + two(time.getSecond());
    }

    private static String two(int value) {
        return value < 10 ? "0" + value : Integer.toString(value);
    }
}
