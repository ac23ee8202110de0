package org.apache.flink.table.annotation;

/** Types that a parameter takes. */
public enum InputGroup {
    /** Only its own. */
    UNKNOWN,
    /** Any. */
    ANY
}
