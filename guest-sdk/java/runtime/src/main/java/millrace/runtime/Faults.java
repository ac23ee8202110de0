package millrace.runtime;

/** What went wrong, in words: exceptions as text and as the record `fault`. */
final class Faults {
    private static final int CAUSES_MAX = 8;
    private static final int FRAMES_MAX = 4;

    private Faults() {}

    /** Class, message, where in the tenant's code, and the same of the causes. */
    static String text(Throwable thrown) {
        StringBuilder text = new StringBuilder();
        int depth = 0;
        for (Throwable cause = Traps.machineException(thrown); cause != null && depth < CAUSES_MAX; cause = cause.getCause()) {
            if (depth++ > 0) {
                text.append("; caused by ");
            }
            text.append(cause.getClass().getName());
            String message = cause.getMessage();
            if (message != null) {
                text.append(": ").append(message);
            }
            frames(cause, text);
        }
        return text.toString();
    }

    private static void frames(Throwable thrown, StringBuilder text) {
        int frames = 0;
        for (StackTraceElement frame : thrown.getStackTrace()) {
            String name = frame.getClassName();
            if (name == null || name.isEmpty() || isOurs(name)) {
                continue;
            }
            text.append(frames == 0 ? " at " : ", ").append(name).append('.').append(frame.getMethodName());
            if (frame.getFileName() != null && frame.getLineNumber() > 0) {
                text.append('(').append(frame.getFileName()).append(':').append(frame.getLineNumber()).append(')');
            }
            if (++frames == FRAMES_MAX) {
                return;
            }
        }
    }

    /** Whether a class is of the libraries, not the tenant's. */
    private static boolean isOurs(String name) {
        return name.startsWith("java.")
            || name.startsWith("millrace.")
            || name.startsWith("org.teavm.")
            || name.startsWith("scala.")
            || name.endsWith(".MillraceEntry")
            || name.equals("MillraceEntry");
    }

    /** Writes the record `fault`; `row` -1 for none. */
    static void write(int record, String message, int row) {
        Memory.text(message).writeTo(record);
        Memory.writeByte(record + 8, row < 0 ? 0 : 1);
        Memory.writeInt(record + 12, row);
    }

    /** A `result` that is a fault of the whole call. */
    static int answer(Throwable thrown) {
        int result = Memory.allocate(8, 32);
        Memory.writeByte(result, 1);
        write(result + 4, text(thrown), -1);
        return result;
    }
}
