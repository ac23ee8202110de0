package org.apache.flink.table.annotation;

/** Yes, no, or not said. */
public enum HintFlag {
    /** Yes. */
    TRUE,
    /** No. */
    FALSE,
    /** Not said. */
    UNKNOWN
}
