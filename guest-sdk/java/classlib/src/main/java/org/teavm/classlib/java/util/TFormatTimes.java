package org.teavm.classlib.java.util;

import java.time.temporal.ChronoField;
import java.time.temporal.TemporalAccessor;
import java.util.Calendar;
import java.util.Date;

/**
 * {@code %t} of {@link TFormatter}: English names; a Long and a Date in UTC.
 *
 * <p>Dates are counted here, so that {@code String.format} does not bring {@code java.time} into every component.
 */
final class TFormatTimes {
    private static final String[] MONTHS = {
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
    };
    private static final String[] DAYS = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

    private final TemporalAccessor time;
    private final long epochMs;

    private TFormatTimes(TemporalAccessor time, long epochMs) {
        this.time = time;
        this.epochMs = epochMs;
    }

    static String format(TFormatter.Spec spec, Object argument) {
        TFormatTimes times;
        if (argument instanceof Long) {
            times = new TFormatTimes(null, (Long) argument);
        } else if (argument instanceof Date) {
            times = new TFormatTimes(null, ((Date) argument).getTime());
        } else if (argument instanceof Calendar) {
            times = new TFormatTimes(null, ((Calendar) argument).getTimeInMillis());
        } else if (argument instanceof TemporalAccessor) {
            times = new TFormatTimes((TemporalAccessor) argument, 0);
        } else {
            throw new TIllegalFormatConversionException(spec.timeConversion, argument.getClass());
        }
        return times.field(spec.timeConversion);
    }

    private long get(ChronoField field) {
        if (time != null) {
            return time.getLong(field);
        }
        long day = Math.floorDiv(epochMs, 86_400_000L);
        long inDay = Math.floorMod(epochMs, 86_400_000L);
        switch (field) {
            case HOUR_OF_DAY:
                return inDay / 3_600_000;
            case MINUTE_OF_HOUR:
                return inDay / 60_000 % 60;
            case SECOND_OF_MINUTE:
                return inDay / 1000 % 60;
            case NANO_OF_SECOND:
                return inDay % 1000 * 1_000_000;
            case INSTANT_SECONDS:
                return Math.floorDiv(epochMs, 1000L);
            case OFFSET_SECONDS:
                return 0;
            case DAY_OF_WEEK:
                return Math.floorMod(day + 3, 7L) + 1;
            default:
                return date(day, field);
        }
    }

    /** Years are counted from March, so that the day of a leap year is the last one. */
    private static long date(long day, ChronoField field) {
        long fromEra = day + 719_468;
        long era = Math.floorDiv(fromEra, 146_097L);
        long dayOfEra = fromEra - era * 146_097;
        long yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
        long dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
        long shifted = (5 * dayOfYear + 2) / 153;
        long month = shifted < 10 ? shifted + 3 : shifted - 9;
        long year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
        switch (field) {
            case YEAR_OF_ERA:
                return year;
            case MONTH_OF_YEAR:
                return month;
            case DAY_OF_MONTH:
                return dayOfYear - (153 * shifted + 2) / 5 + 1;
            default: {
                boolean leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
                return month <= 2 ? dayOfYear - 305 : dayOfYear + (leap ? 61 : 60);
            }
        }
    }

    private long hourOfHalfDay() {
        long hour = get(ChronoField.HOUR_OF_DAY) % 12;
        return hour == 0 ? 12 : hour;
    }

    private static String padded(long value, int width) {
        String digits = Long.toString(Math.abs(value));
        return (value < 0 ? "-" : "") + "0".repeat(Math.max(0, width - digits.length())) + digits;
    }

    private String all(String conversions) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < conversions.length(); i++) {
            char c = conversions.charAt(i);
            out.append(Character.isLetter(c) ? field(c) : String.valueOf(c));
        }
        return out.toString();
    }

    private String zone() {
        if (time == null) {
            return "UTC";
        }
        String text = time.toString();
        int bracket = text.indexOf('[');
        return bracket >= 0 ? text.substring(bracket + 1, text.length() - 1) : "";
    }

    private String field(char conversion) {
        switch (conversion) {
            case 'H':
                return padded(get(ChronoField.HOUR_OF_DAY), 2);
            case 'I':
                return padded(hourOfHalfDay(), 2);
            case 'k':
                return padded(get(ChronoField.HOUR_OF_DAY), 1);
            case 'l':
                return padded(hourOfHalfDay(), 1);
            case 'M':
                return padded(get(ChronoField.MINUTE_OF_HOUR), 2);
            case 'S':
                return padded(get(ChronoField.SECOND_OF_MINUTE), 2);
            case 'L':
                return padded(get(ChronoField.NANO_OF_SECOND) / 1_000_000, 3);
            case 'N':
                return padded(get(ChronoField.NANO_OF_SECOND), 9);
            case 'p':
                return get(ChronoField.HOUR_OF_DAY) < 12 ? "am" : "pm";
            case 'z': {
                long minutes = get(ChronoField.OFFSET_SECONDS) / 60;
                return (minutes < 0 ? "-" : "+") + padded(Math.abs(minutes) / 60 * 100 + Math.abs(minutes) % 60, 4);
            }
            case 'Z':
                return zone();
            case 's':
                return Long.toString(get(ChronoField.INSTANT_SECONDS));
            case 'Q':
                return Long.toString(get(ChronoField.INSTANT_SECONDS) * 1000 + get(ChronoField.NANO_OF_SECOND) / 1_000_000);
            case 'B':
                return MONTHS[(int) get(ChronoField.MONTH_OF_YEAR) - 1];
            case 'b':
            case 'h':
                return MONTHS[(int) get(ChronoField.MONTH_OF_YEAR) - 1].substring(0, 3);
            case 'A':
                return DAYS[(int) get(ChronoField.DAY_OF_WEEK) - 1];
            case 'a':
                return DAYS[(int) get(ChronoField.DAY_OF_WEEK) - 1].substring(0, 3);
            case 'C':
                return padded(get(ChronoField.YEAR_OF_ERA) / 100, 2);
            case 'Y':
                return padded(get(ChronoField.YEAR_OF_ERA), 4);
            case 'y':
                return padded(get(ChronoField.YEAR_OF_ERA) % 100, 2);
            case 'j':
                return padded(get(ChronoField.DAY_OF_YEAR), 3);
            case 'm':
                return padded(get(ChronoField.MONTH_OF_YEAR), 2);
            case 'd':
                return padded(get(ChronoField.DAY_OF_MONTH), 2);
            case 'e':
                return padded(get(ChronoField.DAY_OF_MONTH), 1);
            case 'R':
                return all("H:M");
            case 'T':
                return all("H:M:S");
            case 'r':
                return all("I:M:S ") + field('p').toUpperCase();
            case 'D':
                return all("m/d/y");
            case 'F':
                return all("Y-m-d");
            case 'c':
                return all("a b d H:M:S Z Y");
            default:
                throw new TUnknownFormatConversionException("t" + conversion);
        }
    }
}
