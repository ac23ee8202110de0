package millrace.classlib;

/** What constructors of Throwable call. */
final class Throwables {
    private Throwables() {}

    static String textOf(Throwable cause) {
        return cause == null ? null : cause.toString();
    }
}
