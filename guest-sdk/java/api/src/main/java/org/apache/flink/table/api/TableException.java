package org.apache.flink.table.api;

/** Something about a table went wrong. */
public class TableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With a message. */
    public TableException(String message) {
        super(message);
    }

    /** With a message and a cause. */
    public TableException(String message, Throwable cause) {
        super(message, cause);
    }
}
