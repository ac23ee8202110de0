package org.teavm.classlib.java.sql;

import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Date;

/** {@code java.sql.Timestamp}: a moment with nanoseconds, read and written in the default time zone. */
public class TTimestamp extends Date {
    private static final long serialVersionUID = 1L;

    private int nanos;

    public TTimestamp(long time) {
        super(Math.floorDiv(time, 1000L) * 1000);
        nanos = (int) Math.floorMod(time, 1000L) * 1_000_000;
    }

    public static TTimestamp valueOf(LocalDateTime time) {
        return from(time.atZone(ZoneId.systemDefault()).toInstant());
    }

    public static TTimestamp valueOf(String text) {
        try {
            return valueOf(LocalDateTime.parse(text.trim().replace(' ', 'T')));
        } catch (RuntimeException e) {
            throw new IllegalArgumentException("Timestamp format must be yyyy-mm-dd hh:mm:ss[.fffffffff]");
        }
    }

    public static TTimestamp from(Instant instant) {
        TTimestamp timestamp = new TTimestamp(instant.getEpochSecond() * 1000);
        timestamp.nanos = instant.getNano();
        return timestamp;
    }

    @Override
    public long getTime() {
        return super.getTime() + nanos / 1_000_000;
    }

    @Override
    public void setTime(long time) {
        super.setTime(Math.floorDiv(time, 1000L) * 1000);
        nanos = (int) Math.floorMod(time, 1000L) * 1_000_000;
    }

    public int getNanos() {
        return nanos;
    }

    public void setNanos(int nanos) {
        if (nanos < 0 || nanos > 999_999_999) {
            throw new IllegalArgumentException("nanos > 999999999 or < 0");
        }
        this.nanos = nanos;
    }

    @Override
    public Instant toInstant() {
        return Instant.ofEpochSecond(Math.floorDiv(super.getTime(), 1000L), nanos);
    }

    public LocalDateTime toLocalDateTime() {
        return toInstant().atZone(ZoneId.systemDefault()).toLocalDateTime();
    }

    public boolean before(TTimestamp other) {
        return compareTo(other) < 0;
    }

    public boolean after(TTimestamp other) {
        return compareTo(other) > 0;
    }

    @Override
    public int compareTo(Date other) {
        int order = Long.compare(getTime(), other.getTime());
        return order != 0 || !(other instanceof TTimestamp) ? order : Integer.compare(nanos, ((TTimestamp) other).nanos);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TTimestamp && getTime() == ((TTimestamp) other).getTime() && nanos == ((TTimestamp) other).nanos;
    }

    @Override
    public int hashCode() {
        return super.hashCode();
    }

    @Override
    public String toString() {
        LocalDateTime time = toLocalDateTime();
        String fraction = Integer.toString(1_000_000_000 + nanos).substring(1);
        int length = 9;
        while (length > 1 && fraction.charAt(length - 1) == '0') {
            length--;
        }
        String clock = time.toLocalTime().withNano(0).toString();
        return time.toLocalDate() + " " + (clock.length() == 5 ? clock + ":00" : clock) + "." + fraction.substring(0, length);
    }
}
