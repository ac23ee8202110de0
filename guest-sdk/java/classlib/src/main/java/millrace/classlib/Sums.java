package millrace.classlib;

import java.util.OptionalDouble;
import java.util.function.DoubleConsumer;
import java.util.stream.DoubleStream;

/** Sums of doubles, with the compensation of rounding that the JVM's streams have. */
@Adds(to = DoubleStream.class, in = "java.util.stream.doubleimpl.SimpleDoubleStreamImpl")
final class Sums {
    private Sums() {}

    /** Kahan's summation. */
    private static final class Kahan implements DoubleConsumer {
        private double sum;
        private double compensation;
        private double simple;
        private long count;

        @Override
        public void accept(double value) {
            double corrected = value - compensation;
            double next = sum + corrected;
            compensation = next - sum - corrected;
            sum = next;
            simple += value;
            count++;
        }

        double result() {
            double result = sum - compensation;
            return Double.isNaN(result) && Double.isInfinite(simple) ? simple : result;
        }
    }

    private static Kahan over(DoubleStream stream) {
        Kahan kahan = new Kahan();
        stream.forEach(kahan);
        return kahan;
    }

    @Replaces
    public static double sum(DoubleStream stream) {
        return over(stream).result();
    }

    @Replaces
    public static OptionalDouble average(DoubleStream stream) {
        Kahan kahan = over(stream);
        return kahan.count == 0 ? OptionalDouble.empty() : OptionalDouble.of(kahan.result() / kahan.count);
    }
}
