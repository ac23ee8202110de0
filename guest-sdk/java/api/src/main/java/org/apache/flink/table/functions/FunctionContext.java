package org.apache.flink.table.functions;

import org.apache.flink.metrics.MetricGroup;

/** What a function is given when it is opened. */
public class FunctionContext {
    private final millrace.api.Context context;

    /** Over what the host gives. */
    public FunctionContext(millrace.api.Context context) {
        this.context = context;
    }

    /** A parameter of the job, or another value if it is not set. */
    public String getJobParameter(String key, String defaultValue) {
        return context.params().get(key, defaultValue);
    }

    /** Counters that show among the operator's metrics. */
    public MetricGroup getMetricGroup() {
        return new HostMetrics(context, "");
    }

    /** Everything that Millrace gives; not in Flink. */
    public millrace.api.Context millrace() {
        return context;
    }
}
