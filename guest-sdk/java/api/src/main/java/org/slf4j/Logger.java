package org.slf4j;

/** Writes to the job's log; names and signatures are those that code for the JVM expects. */
public interface Logger {
    /** Name of the logger. */
    String getName();

    /** Always: the host drops what is not wanted. */
    default boolean isTraceEnabled() {
        return true;
    }

    /** Always: the host drops what is not wanted. */
    default boolean isDebugEnabled() {
        return true;
    }

    /** Always: the host drops what is not wanted. */
    default boolean isInfoEnabled() {
        return true;
    }

    /** Always: the host drops what is not wanted. */
    default boolean isWarnEnabled() {
        return true;
    }

    /** Always: the host drops what is not wanted. */
    default boolean isErrorEnabled() {
        return true;
    }

    /** Writes a line. */
    void trace(String message);

    /** Writes a line; {@code {}} stands for the argument. */
    void trace(String message, Object argument);

    /** Writes a line; each {@code {}} stands for an argument. */
    void trace(String message, Object first, Object second);

    /** Writes a line; each {@code {}} stands for an argument. */
    void trace(String message, Object... arguments);

    /** Writes a line and what was thrown. */
    void trace(String message, Throwable thrown);

    /** Writes a line. */
    void debug(String message);

    /** Writes a line; {@code {}} stands for the argument. */
    void debug(String message, Object argument);

    /** Writes a line; each {@code {}} stands for an argument. */
    void debug(String message, Object first, Object second);

    /** Writes a line; each {@code {}} stands for an argument. */
    void debug(String message, Object... arguments);

    /** Writes a line and what was thrown. */
    void debug(String message, Throwable thrown);

    /** Writes a line. */
    void info(String message);

    /** Writes a line; {@code {}} stands for the argument. */
    void info(String message, Object argument);

    /** Writes a line; each {@code {}} stands for an argument. */
    void info(String message, Object first, Object second);

    /** Writes a line; each {@code {}} stands for an argument. */
    void info(String message, Object... arguments);

    /** Writes a line and what was thrown. */
    void info(String message, Throwable thrown);

    /** Writes a line. */
    void warn(String message);

    /** Writes a line; {@code {}} stands for the argument. */
    void warn(String message, Object argument);

    /** Writes a line; each {@code {}} stands for an argument. */
    void warn(String message, Object first, Object second);

    /** Writes a line; each {@code {}} stands for an argument. */
    void warn(String message, Object... arguments);

    /** Writes a line and what was thrown. */
    void warn(String message, Throwable thrown);

    /** Writes a line. */
    void error(String message);

    /** Writes a line; {@code {}} stands for the argument. */
    void error(String message, Object argument);

    /** Writes a line; each {@code {}} stands for an argument. */
    void error(String message, Object first, Object second);

    /** Writes a line; each {@code {}} stands for an argument. */
    void error(String message, Object... arguments);

    /** Writes a line and what was thrown. */
    void error(String message, Throwable thrown);
}
