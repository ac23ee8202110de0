package time;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.Month;
import java.time.MonthDay;
import java.time.OffsetDateTime;
import java.time.OffsetTime;
import java.time.Period;
import java.time.Year;
import java.time.YearMonth;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.DateTimeParseException;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.time.temporal.TemporalAdjusters;
import java.time.temporal.WeekFields;
import java.util.Locale;
import java.util.stream.Collectors;
import millrace.tests.Cases;

public final class Times extends Cases {
    @Override
    protected void cases() {
        check("LocalDate", () -> LocalDate.parse("2024-02-29").plusYears(1) + " " + LocalDate.of(2024, Month.JANUARY, 31).plusMonths(1) + LocalDate.of(2024, 1, 1).minusDays(1) + LocalDate.ofEpochDay(19000) + LocalDate.ofYearDay(2024, 60));
        check("fields of a date", () -> {
            LocalDate date = LocalDate.of(2024, 12, 30);
            return date.getDayOfWeek() + " " + date.getDayOfYear() + date.getMonth() + date.lengthOfMonth() + date.isLeapYear() + date.toEpochDay() + date.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR) + date.get(ChronoField.ALIGNED_WEEK_OF_MONTH) + date.get(IsoFields.QUARTER_OF_YEAR);
        });
        check("comparing dates", () -> LocalDate.of(2024, 1, 1).isBefore(LocalDate.of(2024, 1, 2)) + " " + LocalDate.of(2024, 1, 1).compareTo(LocalDate.of(2025, 1, 1)) + LocalDate.of(2024, 1, 1).equals(LocalDate.parse("2024-01-01")) + LocalDate.of(2024, 1, 1).hashCode());
        check("adjusters", () -> LocalDate.of(2024, 5, 15).with(TemporalAdjusters.firstDayOfMonth()) + " " + LocalDate.of(2024, 5, 15).with(TemporalAdjusters.next(DayOfWeek.MONDAY)) + LocalDate.of(2024, 2, 1).with(TemporalAdjusters.lastDayOfMonth()) + LocalDate.of(2024, 5, 15).withDayOfMonth(1));
        check("datesUntil", () -> LocalDate.of(2024, 2, 27).datesUntil(LocalDate.of(2024, 3, 2)).map(LocalDate::toString).collect(Collectors.joining(",")));
        check("wrong dates", () -> {
            StringBuilder text = new StringBuilder();
            try {
                text.append(LocalDate.of(2023, 2, 29));
            } catch (DateTimeException e) {
                text.append(e.getMessage());
            }
            try {
                text.append(LocalDate.parse("2023-13-01"));
            } catch (DateTimeParseException e) {
                text.append(e.getParsedString());
            }
            return text;
        });
        check("LocalTime", () -> LocalTime.of(23, 59).plusMinutes(2) + " " + LocalTime.parse("10:15:30.123") + LocalTime.MIDNIGHT + LocalTime.ofSecondOfDay(3661) + LocalTime.NOON.truncatedTo(ChronoUnit.HOURS) + LocalTime.of(1, 2, 3, 4000).toNanoOfDay());
        check("LocalDateTime", () -> LocalDateTime.of(2024, 2, 29, 23, 59, 59).plusSeconds(1) + " " + LocalDateTime.parse("2024-01-02T03:04:05").toLocalDate() + LocalDate.of(2024, 1, 1).atStartOfDay() + LocalDate.of(2024, 1, 1).atTime(5, 6) + LocalDateTime.ofEpochSecond(1, 5, ZoneOffset.UTC));
        check("Instant", () -> Instant.ofEpochMilli(1700000000123L) + " " + Instant.EPOCH.plus(1, ChronoUnit.DAYS) + Instant.parse("2024-01-02T03:04:05Z").getEpochSecond() + Instant.ofEpochSecond(5, 1_000_000_001).toEpochMilli() + Instant.ofEpochMilli(-1));
        check("Duration", () -> Duration.ofMinutes(125) + " " + Duration.between(Instant.EPOCH, Instant.ofEpochSecond(90)).toMinutes() + Duration.parse("PT1H30M").getSeconds() + Duration.ofMillis(1500).plusSeconds(2) + Duration.ofSeconds(-1, 5) + Duration.ofDays(2).toHours());
        check("parts of a Duration", () -> Duration.ofSeconds(93784).toDaysPart() + " " + Duration.ofSeconds(93784).toHoursPart() + Duration.ofSeconds(93784).toMinutesPart() + Duration.ofSeconds(93784).toSecondsPart() + Duration.ofMillis(1234).toMillisPart() + Duration.ofSeconds(10).toSeconds() + Duration.ofSeconds(10).dividedBy(Duration.ofSeconds(3)));
        check("Period", () -> Period.between(LocalDate.of(2023, 1, 31), LocalDate.of(2024, 3, 1)) + " " + Period.ofMonths(14).normalized() + Period.parse("P1Y2M3D").getDays() + LocalDate.of(2024, 1, 31).plus(Period.ofMonths(1)));
        check("ChronoUnit", () -> ChronoUnit.DAYS.between(LocalDate.of(2024, 1, 1), LocalDate.of(2024, 12, 31)) + " " + ChronoUnit.MONTHS.between(LocalDate.of(2024, 1, 31), LocalDate.of(2024, 2, 29)) + LocalDate.of(2024, 1, 1).until(LocalDate.of(2024, 2, 3), ChronoUnit.WEEKS) + ChronoUnit.HOURS);
        check("pattern", () -> DateTimeFormatter.ofPattern("yyyy/MM/dd HH:mm:ss.SSS").format(LocalDateTime.of(2024, 1, 2, 3, 4, 5, 6_000_000)) + " " + LocalDate.parse("31.12.2024", DateTimeFormatter.ofPattern("dd.MM.yyyy")) + LocalDateTime.parse("20240102030405", DateTimeFormatter.ofPattern("yyyyMMddHHmmss")));
        check("pattern with names", () -> DateTimeFormatter.ofPattern("EEE, d MMM yyyy", Locale.ENGLISH).format(LocalDate.of(2024, 9, 1)) + " " + DateTimeFormatter.ofPattern("EEEE MMMM", Locale.ENGLISH).format(LocalDate.of(2024, 9, 1)) + LocalDate.parse("Sep 1 2024", DateTimeFormatter.ofPattern("MMM d yyyy", Locale.ENGLISH)) + DateTimeFormatter.ofPattern("h:mm a", Locale.US).format(LocalTime.of(13, 5)));
        check("ISO formatters", () -> DateTimeFormatter.ISO_LOCAL_DATE.format(LocalDate.of(2024, 1, 2)) + DateTimeFormatter.BASIC_ISO_DATE.format(LocalDate.of(2024, 1, 2)) + DateTimeFormatter.ISO_INSTANT.format(Instant.EPOCH) + DateTimeFormatter.ISO_OFFSET_DATE_TIME.format(OffsetDateTime.of(2024, 1, 2, 3, 4, 5, 0, ZoneOffset.ofHours(2))) + DateTimeFormatter.ISO_WEEK_DATE.format(LocalDate.of(2024, 1, 2)));
        check("RFC 1123", () -> DateTimeFormatter.RFC_1123_DATE_TIME.format(ZonedDateTime.of(2024, 1, 2, 3, 4, 5, 0, ZoneOffset.UTC)) + ZonedDateTime.parse("Tue, 2 Jan 2024 03:04:05 GMT", DateTimeFormatter.RFC_1123_DATE_TIME).toInstant());
        check("builder of formatters", () -> new DateTimeFormatterBuilder().appendPattern("yyyy-MM-dd").optionalStart().appendPattern(" HH:mm").optionalEnd().parseDefaulting(ChronoField.HOUR_OF_DAY, 0).parseDefaulting(ChronoField.MINUTE_OF_HOUR, 0).toFormatter().parse("2024-01-02", LocalDateTime::from));
        check("parse failure", () -> {
            try {
                return LocalDate.parse("01/02/2024", DateTimeFormatter.ISO_DATE);
            } catch (DateTimeParseException e) {
                return e.getMessage() + e.getErrorIndex();
            }
        });
        check("ZonedDateTime", () -> ZonedDateTime.of(2024, 3, 31, 1, 30, 0, 0, ZoneId.of("Europe/Berlin")).plusHours(1) + " " + ZonedDateTime.of(2024, 7, 1, 12, 0, 0, 0, ZoneId.of("America/New_York")).withZoneSameInstant(ZoneId.of("Asia/Tokyo")) + ZonedDateTime.parse("2024-01-02T03:04:05+01:00[Europe/Paris]").toInstant());
        check("offsets of zones", () -> ZoneId.of("Europe/London").getRules().getOffset(Instant.parse("2024-07-01T00:00:00Z")) + " " + ZoneId.of("America/Sao_Paulo").getRules().getOffset(Instant.parse("2018-12-01T00:00:00Z")) + ZoneId.of("Asia/Shanghai").getRules().getOffset(Instant.parse("2024-07-01T00:00:00Z")) + ZoneId.of("Australia/Lord_Howe").getRules().getOffset(Instant.parse("2024-07-01T00:00:00Z")) + ZoneId.of("UTC") + ZoneId.of("GMT+2").getRules().getOffset(Instant.EPOCH));
        check("gaps and overlaps", () -> ZonedDateTime.of(2024, 3, 31, 2, 30, 0, 0, ZoneId.of("Europe/Berlin")) + " " + ZonedDateTime.of(2024, 10, 27, 2, 30, 0, 0, ZoneId.of("Europe/Berlin")) + ZoneId.of("Europe/Berlin").getRules().isDaylightSavings(Instant.parse("2024-07-01T00:00:00Z")));
        check("unknown zone", () -> {
            try {
                return ZoneId.of("Mars/Base");
            } catch (DateTimeException e) {
                return e.getMessage();
            }
        });
        check("OffsetDateTime", () -> OffsetDateTime.parse("2024-01-02T03:04:05+02:00").toInstant() + " " + OffsetDateTime.of(2024, 1, 1, 0, 0, 0, 0, ZoneOffset.ofHoursMinutes(5, 30)).withOffsetSameInstant(ZoneOffset.UTC) + OffsetTime.of(1, 2, 3, 0, ZoneOffset.UTC));
        check("Year, YearMonth, MonthDay", () -> Year.of(2024).isLeap() + " " + YearMonth.of(2024, 2).atEndOfMonth() + YearMonth.parse("2024-05").plusMonths(8) + MonthDay.of(2, 29).isValidYear(2023) + Year.of(2024).atDay(60));
        check("enums", () -> DayOfWeek.MONDAY.plus(10) + " " + Month.of(2).maxLength() + Month.JANUARY.minus(1) + DayOfWeek.SUNDAY.getDisplayName(TextStyle.SHORT, Locale.ENGLISH) + Month.MARCH.getDisplayName(TextStyle.FULL, Locale.ENGLISH));
        check("weeks", () -> LocalDate.of(2024, 1, 7).get(WeekFields.ISO.weekOfWeekBasedYear()) + " " + LocalDate.of(2024, 1, 7).get(WeekFields.SUNDAY_START.weekOfYear()) + LocalDate.of(2024, 1, 7).get(WeekFields.ISO.dayOfWeek()));
        check("truncation", () -> Instant.parse("2024-01-02T03:04:05.678Z").truncatedTo(ChronoUnit.MINUTES) + " " + LocalDateTime.of(2024, 1, 2, 3, 4, 5, 678).truncatedTo(ChronoUnit.SECONDS));
        check("fixed clock", () -> LocalDateTime.now(Clock.fixed(Instant.ofEpochSecond(1000), ZoneOffset.UTC)) + " " + Instant.now(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC)));
        check("conversions", () -> LocalDateTime.of(2024, 1, 2, 3, 4).toEpochSecond(ZoneOffset.ofHours(1)) + " " + LocalDateTime.ofInstant(Instant.EPOCH, ZoneId.of("Asia/Tokyo")) + LocalDate.ofInstant(Instant.EPOCH, ZoneOffset.UTC) + LocalDateTime.of(2024, 1, 2, 3, 4).atZone(ZoneOffset.UTC).toInstant().toEpochMilli() + Instant.EPOCH.atZone(ZoneId.of("Europe/Madrid")).toLocalDateTime());
        check("sorting dates", () -> java.util.stream.Stream.of("2024-03-01", "2023-12-31", "2024-02-29").map(LocalDate::parse).sorted().map(LocalDate::toString).collect(Collectors.joining(" ")));
        check("Date", () -> new java.util.Date(1700000000000L).getTime() + " " + new java.util.Date(0).before(new java.util.Date(1)) + new java.util.Date(5).compareTo(new java.util.Date(5)) + java.util.Date.from(Instant.ofEpochMilli(7)).getTime() + new java.util.Date(9).toInstant());
        check("SimpleDateFormat", () -> {
            java.text.SimpleDateFormat format = new java.text.SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS", Locale.ENGLISH);
            format.setTimeZone(java.util.TimeZone.getTimeZone("UTC"));
            return format.format(new java.util.Date(1700000000123L)) + " " + format.parse("2024-01-02T03:04:05.006").getTime();
        });
        check("SimpleDateFormat with names", () -> {
            java.text.SimpleDateFormat format = new java.text.SimpleDateFormat("EEE MMM dd yyyy", Locale.ENGLISH);
            format.setTimeZone(java.util.TimeZone.getTimeZone("GMT"));
            return format.format(new java.util.Date(0)) + " " + format.parse("Fri Mar 01 2024").getTime();
        });
        check("Calendar", () -> {
            java.util.Calendar calendar = new java.util.GregorianCalendar(java.util.TimeZone.getTimeZone("UTC"), Locale.US);
            calendar.setTimeInMillis(1700000000000L);
            calendar.add(java.util.Calendar.MONTH, 4);
            return calendar.get(java.util.Calendar.YEAR) + " " + calendar.get(java.util.Calendar.MONTH) + calendar.get(java.util.Calendar.DAY_OF_MONTH) + calendar.get(java.util.Calendar.DAY_OF_WEEK) + calendar.getActualMaximum(java.util.Calendar.DAY_OF_MONTH);
        });
        check("java.sql", () -> java.sql.Date.valueOf("2024-01-02") + " " + java.sql.Timestamp.valueOf("2024-01-02 03:04:05.5") + java.sql.Timestamp.valueOf(LocalDateTime.of(2024, 1, 2, 3, 4)).toLocalDateTime() + java.sql.Time.valueOf("01:02:03"));
    }
}
