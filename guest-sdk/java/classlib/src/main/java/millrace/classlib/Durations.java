package millrace.classlib;

import java.math.BigInteger;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.time.temporal.TemporalUnit;
import java.time.temporal.UnsupportedTemporalTypeException;

/** Duration. */
@Adds(to = Duration.class)
final class Durations {
    private Durations() {}

    public static long toDaysPart(Duration duration) {
        return duration.getSeconds() / 86_400;
    }

    public static int toHoursPart(Duration duration) {
        return (int) (duration.toHours() % 24);
    }

    public static int toMinutesPart(Duration duration) {
        return (int) (duration.toMinutes() % 60);
    }

    public static int toSecondsPart(Duration duration) {
        return (int) (duration.getSeconds() % 60);
    }

    public static int toMillisPart(Duration duration) {
        return duration.getNano() / 1_000_000;
    }

    public static int toNanosPart(Duration duration) {
        return duration.getNano();
    }

    private static BigInteger nanos(Duration duration) {
        return BigInteger.valueOf(duration.getSeconds()).multiply(BigInteger.valueOf(1_000_000_000)).add(BigInteger.valueOf(duration.getNano()));
    }

    public static long dividedBy(Duration duration, Duration divisor) {
        if (divisor.isZero()) {
            throw new ArithmeticException("Cannot divide by zero");
        }
        return nanos(duration).divide(nanos(divisor)).longValueExact();
    }

    public static Duration truncatedTo(Duration duration, TemporalUnit unit) {
        if (unit == ChronoUnit.DAYS) {
            return Duration.ofDays(duration.toDays());
        }
        long unitNanos = unit.getDuration().toNanos();
        if (86_400_000_000_000L % unitNanos != 0) {
            throw new UnsupportedTemporalTypeException("Unit must divide into a standard day without remainder");
        }
        BigInteger[] parts = nanos(duration).divideAndRemainder(BigInteger.valueOf(unitNanos));
        BigInteger[] rest = parts[0].multiply(BigInteger.valueOf(unitNanos)).divideAndRemainder(BigInteger.valueOf(1_000_000_000));
        return Duration.ofSeconds(rest[0].longValueExact(), rest[1].longValueExact());
    }

    public static long toSeconds(Duration duration) {
        return duration.getSeconds();
    }
}
