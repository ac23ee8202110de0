package millrace.runtime;

/** What Java checks and C does not: the compiler puts these calls into every program. */
public final class Checked {
    /** No array of more elements fits into any heap. */
    private static final int ELEMENTS_MAX = 1 << 26;


    private Checked() {}

    private static ArithmeticException byZero() {
        return new ArithmeticException("/ by zero");
    }

    /** The size of a new array. */
    public static int arraySize(int size) {
        if (size < 0) {
            throw new NegativeArraySizeException(String.valueOf(size));
        }
        if (size > ELEMENTS_MAX) {
            throw new OutOfMemoryError("Requested array size exceeds VM limit");
        }
        return size;
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
