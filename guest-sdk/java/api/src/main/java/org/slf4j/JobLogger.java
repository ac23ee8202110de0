package org.slf4j;

/** Hands everything on to the log of the job. */
final class JobLogger implements Logger {
    private final String name;

    JobLogger(String name) {
        this.name = name;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public void trace(String message) {
        millrace.api.Logger.ofJob().trace(message);
    }

    @Override
    public void trace(String message, Object argument) {
        millrace.api.Logger.ofJob().trace(message, argument);
    }

    @Override
    public void trace(String message, Object first, Object second) {
        millrace.api.Logger.ofJob().trace(message, first, second);
    }

    @Override
    public void trace(String message, Object... arguments) {
        millrace.api.Logger.ofJob().trace(message, arguments);
    }

    @Override
    public void trace(String message, Throwable thrown) {
        millrace.api.Logger.ofJob().trace(message, thrown);
    }

    @Override
    public void debug(String message) {
        millrace.api.Logger.ofJob().debug(message);
    }

    @Override
    public void debug(String message, Object argument) {
        millrace.api.Logger.ofJob().debug(message, argument);
    }

    @Override
    public void debug(String message, Object first, Object second) {
        millrace.api.Logger.ofJob().debug(message, first, second);
    }

    @Override
    public void debug(String message, Object... arguments) {
        millrace.api.Logger.ofJob().debug(message, arguments);
    }

    @Override
    public void debug(String message, Throwable thrown) {
        millrace.api.Logger.ofJob().debug(message, thrown);
    }

    @Override
    public void info(String message) {
        millrace.api.Logger.ofJob().info(message);
    }

    @Override
    public void info(String message, Object argument) {
        millrace.api.Logger.ofJob().info(message, argument);
    }

    @Override
    public void info(String message, Object first, Object second) {
        millrace.api.Logger.ofJob().info(message, first, second);
    }

    @Override
    public void info(String message, Object... arguments) {
        millrace.api.Logger.ofJob().info(message, arguments);
    }

    @Override
    public void info(String message, Throwable thrown) {
        millrace.api.Logger.ofJob().info(message, thrown);
    }

    @Override
    public void warn(String message) {
        millrace.api.Logger.ofJob().warn(message);
    }

    @Override
    public void warn(String message, Object argument) {
        millrace.api.Logger.ofJob().warn(message, argument);
    }

    @Override
    public void warn(String message, Object first, Object second) {
        millrace.api.Logger.ofJob().warn(message, first, second);
    }

    @Override
    public void warn(String message, Object... arguments) {
        millrace.api.Logger.ofJob().warn(message, arguments);
    }

    @Override
    public void warn(String message, Throwable thrown) {
        millrace.api.Logger.ofJob().warn(message, thrown);
    }

    @Override
    public void error(String message) {
        millrace.api.Logger.ofJob().error(message);
    }

    @Override
    public void error(String message, Object argument) {
        millrace.api.Logger.ofJob().error(message, argument);
    }

    @Override
    public void error(String message, Object first, Object second) {
        millrace.api.Logger.ofJob().error(message, first, second);
    }

    @Override
    public void error(String message, Object... arguments) {
        millrace.api.Logger.ofJob().error(message, arguments);
    }

    @Override
    public void error(String message, Throwable thrown) {
        millrace.api.Logger.ofJob().error(message, thrown);
    }
}
