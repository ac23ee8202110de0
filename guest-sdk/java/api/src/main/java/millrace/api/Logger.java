package millrace.api;

/**
 * Writes to the job's log. {@code {}} in a message stands for the next argument; a {@link Throwable} after the last one is
 * appended with its causes.
 */
public abstract class Logger {
    private static Logger ofJob = toStandardError();

    /** How much a line matters. */
    public enum Level {
        /** Every step. */
        TRACE,
        /** For whoever looks for a fault. */
        DEBUG,
        /** What happens. */
        INFO,
        /** May be wrong. */
        WARN,
        /** Is wrong. */
        ERROR
    }

    /** The log of the job that this code runs in. */
    public static Logger ofJob() {
        return ofJob;
    }

    /** Sets {@link #ofJob()}. Called by the runtime before anything of a component runs. */
    public static void ofJob(Logger logger) {
        ofJob = logger;
    }

    /** Writes a line. */
    protected abstract void write(Level level, String line);

    /** Writes at {@link Level#TRACE}. */
    public final void trace(String message, Object... arguments) {
        write(Level.TRACE, line(message, arguments));
    }

    /** Writes at {@link Level#DEBUG}. */
    public final void debug(String message, Object... arguments) {
        write(Level.DEBUG, line(message, arguments));
    }

    /** Writes at {@link Level#INFO}. */
    public final void info(String message, Object... arguments) {
        write(Level.INFO, line(message, arguments));
    }

    /** Writes at {@link Level#WARN}. */
    public final void warn(String message, Object... arguments) {
        write(Level.WARN, line(message, arguments));
    }

    /** Writes at {@link Level#ERROR}. */
    public final void error(String message, Object... arguments) {
        write(Level.ERROR, line(message, arguments));
    }

    private static String line(String message, Object[] arguments) {
        if (arguments == null || arguments.length == 0) {
            return message;
        }
        StringBuilder line = new StringBuilder();
        int from = 0;
        int next = 0;
        while (next < arguments.length) {
            int hole = message.indexOf("{}", from);
            if (hole < 0) {
                break;
            }
            line.append(message, from, hole).append(arguments[next++]);
            from = hole + 2;
        }
        line.append(message, from, message.length());
        if (next < arguments.length && arguments[next] instanceof Throwable) {
            int depth = 0;
            for (Throwable cause = (Throwable) arguments[next]; cause != null && depth < 16; cause = cause.getCause()) {
                line.append(depth++ == 0 ? ": " : "; caused by ").append(cause);
            }
        }
        return line.toString();
    }

    /** Writes to standard error: what there is on a plain JVM. */
    public static Logger toStandardError() {
        return new StandardError();
    }
}
