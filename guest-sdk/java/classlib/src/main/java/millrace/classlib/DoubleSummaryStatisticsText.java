package millrace.classlib;

import java.util.DoubleSummaryStatistics;

/** DoubleSummaryStatistics. */
@Adds(to = DoubleSummaryStatistics.class)
final class DoubleSummaryStatisticsText {
    private DoubleSummaryStatisticsText() {}

    @Replaces
    public static String toString(DoubleSummaryStatistics s) {
        return String.format(
            "DoubleSummaryStatistics{count=%d, sum=%f, min=%f, average=%f, max=%f}", s.getCount(), s.getSum(), s.getMin(), s.getAverage(), s.getMax());
    }
}
