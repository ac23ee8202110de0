package org.apache.flink.table.functions;

import millrace.api.Context;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** Counters that the host keeps; a group is a prefix of their names. */
final class HostMetrics implements MetricGroup {
    private final Context context;
    private final String prefix;

    HostMetrics(Context context, String prefix) {
        this.context = context;
        this.prefix = prefix;
    }

    @Override
    public Counter counter(String name) {
        return new Counter() {
            private long count;

            @Override
            public void inc() {
                inc(1);
            }

            @Override
            public void inc(long n) {
                if (n < 0) {
                    throw new IllegalArgumentException("counters of Millrace only rise, found " + n);
                }
                count += n;
                context.count(prefix + name, n);
            }

            @Override
            public long getCount() {
                return count;
            }
        };
    }

    @Override
    public MetricGroup addGroup(String name) {
        return new HostMetrics(context, prefix + name + ".");
    }

    @Override
    public MetricGroup addGroup(String key, String value) {
        return addGroup(key).addGroup(value);
    }
}
