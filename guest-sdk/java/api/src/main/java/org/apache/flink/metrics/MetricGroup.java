package org.apache.flink.metrics;

/** Counters of an operator, in named groups. */
public interface MetricGroup {
    /** A counter. */
    Counter counter(String name);

    /** A group within this one. */
    MetricGroup addGroup(String name);

    /** A group within this one. */
    MetricGroup addGroup(String key, String value);
}
