package millrace.runtime;

/** Division of integers: what the compiler puts in the place of {@code /} and {@code %}. */
public final class Division {
    private Division() {}

    private static ArithmeticException byZero() {
        return new ArithmeticException("/ by zero");
    }

    /** {@code a / b}. */
    public static int divide(int a, int b) {
        if (b == 0) {
            throw byZero();
        }
        return b == -1 ? -a : a / b;
    }

    /** {@code a % b}. */
    public static int remainder(int a, int b) {
        if (b == 0) {
            throw byZero();
        }
        return b == -1 ? 0 : a % b;
    }

    /** {@code a / b}. */
    public static long divide(long a, long b) {
        if (b == 0) {
            throw byZero();
        }
        return b == -1 ? -a : a / b;
    }

    /** {@code a % b}. */
    public static long remainder(long a, long b) {
        if (b == 0) {
            throw byZero();
        }
        return b == -1 ? 0 : a % b;
    }
}
