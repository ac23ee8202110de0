package org.apache.flink.table.api;

/** What a user wrote is not valid. */
public class ValidationException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With a message. */
    public ValidationException(String message) {
        super(message);
    }

    /** With a message and a cause. */
    public ValidationException(String message, Throwable cause) {
        super(message, cause);
    }
}
