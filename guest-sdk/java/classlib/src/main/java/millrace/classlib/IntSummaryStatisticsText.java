package millrace.classlib;

import java.util.IntSummaryStatistics;

/** IntSummaryStatistics. */
@Adds(to = IntSummaryStatistics.class)
final class IntSummaryStatisticsText {
    private IntSummaryStatisticsText() {}

    @Replaces
    public static String toString(IntSummaryStatistics s) {
        return String.format(
            "IntSummaryStatistics{count=%d, sum=%d, min=%d, average=%f, max=%d}", s.getCount(), s.getSum(), s.getMin(), s.getAverage(), s.getMax());
    }
}
