package org.apache.flink.table.api.dataview;

import java.io.Serializable;

/** A collection in an accumulator. */
public interface DataView extends Serializable {
    /** Removes everything. */
    void clear();
}
