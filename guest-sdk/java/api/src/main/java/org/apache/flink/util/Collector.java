package org.apache.flink.util;

/** Takes what a function produces. */
public interface Collector<T> {
    /** Takes one. */
    void collect(T record);

    /** Nothing more will come. */
    void close();
}
