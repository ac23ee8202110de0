package millrace.classlib;

/** Thread: the one that there is. */
@Adds(to = Thread.class)
final class Threads {
    private Threads() {}

    public static void onSpinWait() {}
}
