package millrace.api;

/** In the place of the SDK's: the runtime sets the job's log before anything is written, so nothing of it is carried along. */
final class StandardError extends Logger {
    @Override
    protected void write(Level level, String line) {}
}
