package org.teavm.classlib.java.lang;

/** {@code java.lang.ExceptionInInitializerError}. */
public class TExceptionInInitializerError extends LinkageError {
    private static final long serialVersionUID = 1L;

    private final Throwable exception;

    public TExceptionInInitializerError() {
        exception = null;
    }

    public TExceptionInInitializerError(String message) {
        super(message);
        exception = null;
    }

    public TExceptionInInitializerError(Throwable thrown) {
        super(null, thrown);
        exception = thrown;
    }

    public Throwable getException() {
        return exception;
    }
}
