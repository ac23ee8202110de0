package millrace.api;

/** A log on standard error. In a component the runtime has a class of this name that writes nowhere. */
final class StandardError extends Logger {
    @Override
    protected void write(Level level, String line) {
        System.err.println(level + " " + line);
    }
}
