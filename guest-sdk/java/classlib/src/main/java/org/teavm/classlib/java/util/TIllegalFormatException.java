package org.teavm.classlib.java.util;

/** {@code java.util.IllegalFormatException}. */
public class TIllegalFormatException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    protected TIllegalFormatException() {}

    protected TIllegalFormatException(String message) {
        super(message);
    }
}
