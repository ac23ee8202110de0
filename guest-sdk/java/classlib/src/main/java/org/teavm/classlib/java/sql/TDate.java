package org.teavm.classlib.java.sql;

import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Date;

/** {@code java.sql.Date}: a day, at its start in the default time zone. */
public class TDate extends Date {
    private static final long serialVersionUID = 1L;

    public TDate(long time) {
        super(time);
    }

    public static TDate valueOf(LocalDate date) {
        return new TDate(date.atStartOfDay(ZoneId.systemDefault()).toInstant().toEpochMilli());
    }

    public static TDate valueOf(String text) {
        try {
            String[] parts = text.split("-");
            return valueOf(LocalDate.of(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]), Integer.parseInt(parts[2])));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException();
        }
    }

    public LocalDate toLocalDate() {
        return Instant.ofEpochMilli(getTime()).atZone(ZoneId.systemDefault()).toLocalDate();
    }

    @Override
    public String toString() {
        return toLocalDate().toString();
    }
}
