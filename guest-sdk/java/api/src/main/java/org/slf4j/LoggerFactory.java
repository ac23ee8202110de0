package org.slf4j;

/** Makes loggers that write to the job's log. */
public final class LoggerFactory {
    private LoggerFactory() {}

    /** A logger of this name. */
    public static Logger getLogger(String name) {
        return new JobLogger(name);
    }

    /** A logger named after a class. */
    public static Logger getLogger(Class<?> owner) {
        return new JobLogger(owner.getName());
    }
}
