package millrace.classlib;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.Period;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/** LocalDate. */
@Adds(to = LocalDate.class)
final class LocalDates {
    private LocalDates() {}

    @Static
    public static LocalDate ofInstant(Instant instant, ZoneId zone) {
        return instant.atZone(zone).toLocalDate();
    }

    public static Stream<LocalDate> datesUntil(LocalDate from, LocalDate to) {
        if (to.isBefore(from)) {
            throw new IllegalArgumentException(to + " < " + from);
        }
        return LongStream.range(from.toEpochDay(), to.toEpochDay()).mapToObj(LocalDate::ofEpochDay);
    }

    public static Stream<LocalDate> datesUntil(LocalDate from, LocalDate to, Period step) {
        if (step.isZero()) {
            throw new IllegalArgumentException("step is zero");
        }
        List<LocalDate> dates = new ArrayList<>();
        boolean back = step.isNegative();
        for (int i = 0; ; i++) {
            LocalDate date = from.plus(step.multipliedBy(i));
            if (back ? !date.isAfter(to) : !date.isBefore(to)) {
                return dates.stream();
            }
            dates.add(date);
        }
    }

    public static long toEpochSecond(LocalDate date, LocalTime time, ZoneOffset offset) {
        return date.toEpochDay() * 86_400 + time.toSecondOfDay() - offset.getTotalSeconds();
    }
}
