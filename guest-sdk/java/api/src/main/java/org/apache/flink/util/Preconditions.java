package org.apache.flink.util;

/** Checks of arguments and state. */
public final class Preconditions {
    private Preconditions() {}

    /** The reference, which must not be null. */
    public static <T> T checkNotNull(T reference) {
        return checkNotNull(reference, null);
    }

    /** The reference, which must not be null. */
    public static <T> T checkNotNull(T reference, String message) {
        if (reference == null) {
            throw new NullPointerException(message);
        }
        return reference;
    }

    /** The condition must hold for an argument. */
    public static void checkArgument(boolean condition) {
        checkArgument(condition, null);
    }

    /** The condition must hold for an argument. */
    public static void checkArgument(boolean condition, Object message) {
        if (!condition) {
            throw new IllegalArgumentException(message == null ? null : message.toString());
        }
    }

    /** The condition must hold for the state of an object. */
    public static void checkState(boolean condition) {
        checkState(condition, null);
    }

    /** The condition must hold for the state of an object. */
    public static void checkState(boolean condition, Object message) {
        if (!condition) {
            throw new IllegalStateException(message == null ? null : message.toString());
        }
    }
}
