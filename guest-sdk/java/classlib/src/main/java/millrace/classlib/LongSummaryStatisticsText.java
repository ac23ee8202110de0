package millrace.classlib;

import java.util.LongSummaryStatistics;

/** LongSummaryStatistics. */
@Adds(to = LongSummaryStatistics.class)
final class LongSummaryStatisticsText {
    private LongSummaryStatisticsText() {}

    @Replaces
    public static String toString(LongSummaryStatistics s) {
        return String.format(
            "LongSummaryStatistics{count=%d, sum=%d, min=%d, average=%f, max=%d}", s.getCount(), s.getSum(), s.getMin(), s.getAverage(), s.getMax());
    }
}
