package org.apache.flink.metrics;

/** Something that is counted. */
public interface Counter {
    /** One more. */
    void inc();

    /** So many more. */
    void inc(long n);

    /** What this instance has counted. */
    long getCount();
}
