package millrace.classlib;

import java.util.Arrays;
import java.util.Comparator;
import java.util.function.DoubleBinaryOperator;
import java.util.function.IntBinaryOperator;
import java.util.function.IntToDoubleFunction;
import java.util.function.IntToLongFunction;
import java.util.function.IntUnaryOperator;
import java.util.function.LongBinaryOperator;

/** Arrays. "Parallel" is one after another. */
@Adds(to = Arrays.class)
final class ArrayMethods {
    private ArrayMethods() {}

    public static <T> int compare(T[] a, T[] b, Comparator<? super T> comparator) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            if (a[i] != b[i]) {
                int order = comparator.compare(a[i], b[i]);
                if (order != 0) {
                    return order;
                }
            }
        }
        return a.length - b.length;
    }

    public static <T extends Comparable<? super T>> int compare(T[] a, T[] b) {
        return compare(a, b, Comparator.nullsFirst(Comparator.<T>naturalOrder()));
    }

    public static <T> int mismatch(T[] a, T[] b, Comparator<? super T> comparator) {
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            if (a[i] != b[i] && comparator.compare(a[i], b[i]) != 0) {
                return i;
            }
        }
        return a.length == b.length ? -1 : length;
    }

    public static <T> boolean equals(T[] a, T[] b, Comparator<? super T> comparator) {
        if (a == null || b == null) {
            return a == b;
        }
        return mismatch(a, b, comparator) < 0;
    }

    public static <T extends Comparable<? super T>> void parallelSort(T[] values) {
        Arrays.sort(values);
    }

    public static <T> void parallelSort(T[] values, Comparator<? super T> comparator) {
        Arrays.sort(values, comparator);
    }

    public static int compare(boolean[] a, boolean[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Boolean.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(byte[] a, byte[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Byte.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(short[] a, short[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Short.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(char[] a, char[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Character.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(int[] a, int[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Integer.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(long[] a, long[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Long.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(float[] a, float[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Float.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static int compare(double[] a, double[] b) {
        if (a == null || b == null) {
            return a == b ? 0 : a == null ? -1 : 1;
        }
        int length = Math.min(a.length, b.length);
        for (int i = 0; i < length; i++) {
            int order = Double.compare(a[i], b[i]);
            if (order != 0) {
                return order;
            }
        }
        return a.length - b.length;
    }

    public static void parallelSort(byte[] values) {
        Arrays.sort(values);
    }

    public static void parallelSort(short[] values) {
        Arrays.sort(values);
    }

    public static void parallelSort(char[] values) {
        Arrays.sort(values);
    }

    public static void parallelSort(int[] values) {
        Arrays.sort(values);
    }

    public static void parallelSort(long[] values) {
        Arrays.sort(values);
    }

    public static void parallelSort(float[] values) {
        Arrays.sort(values);
    }

    public static void parallelSort(double[] values) {
        Arrays.sort(values);
    }

    public static void parallelPrefix(int[] values, IntBinaryOperator operator) {
        for (int i = 1; i < values.length; i++) {
            values[i] = operator.applyAsInt(values[i - 1], values[i]);
        }
    }

    public static void parallelPrefix(long[] values, LongBinaryOperator operator) {
        for (int i = 1; i < values.length; i++) {
            values[i] = operator.applyAsLong(values[i - 1], values[i]);
        }
    }

    public static void parallelPrefix(double[] values, DoubleBinaryOperator operator) {
        for (int i = 1; i < values.length; i++) {
            values[i] = operator.applyAsDouble(values[i - 1], values[i]);
        }
    }

    public static void parallelSetAll(int[] values, IntUnaryOperator generator) {
        Arrays.setAll(values, generator);
    }

    public static void parallelSetAll(long[] values, IntToLongFunction generator) {
        Arrays.setAll(values, generator);
    }

    public static void parallelSetAll(double[] values, IntToDoubleFunction generator) {
        Arrays.setAll(values, generator);
    }

    @Replaces
    public static boolean[] copyOfRange(boolean[] values, int from, int to) {
        checkRange(values.length, from, to);
        boolean[] copy = new boolean[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static byte[] copyOfRange(byte[] values, int from, int to) {
        checkRange(values.length, from, to);
        byte[] copy = new byte[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static short[] copyOfRange(short[] values, int from, int to) {
        checkRange(values.length, from, to);
        short[] copy = new short[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static char[] copyOfRange(char[] values, int from, int to) {
        checkRange(values.length, from, to);
        char[] copy = new char[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static int[] copyOfRange(int[] values, int from, int to) {
        checkRange(values.length, from, to);
        int[] copy = new int[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static long[] copyOfRange(long[] values, int from, int to) {
        checkRange(values.length, from, to);
        long[] copy = new long[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static float[] copyOfRange(float[] values, int from, int to) {
        checkRange(values.length, from, to);
        float[] copy = new float[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static double[] copyOfRange(double[] values, int from, int to) {
        checkRange(values.length, from, to);
        double[] copy = new double[to - from];
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    @Replaces
    public static <T> T[] copyOfRange(T[] values, int from, int to) {
        checkRange(values.length, from, to);
        T[] copy = Arrays.copyOf(values, to - from);
        Arrays.fill(copy, null);
        System.arraycopy(values, from, copy, 0, Math.min(values.length, to) - from);
        return copy;
    }

    private static void checkRange(int length, int from, int to) {
        if (from > to) {
            throw new IllegalArgumentException(from + " > " + to);
        }
        if (from < 0 || from > length) {
            throw new ArrayIndexOutOfBoundsException("Array index out of range: " + from);
        }
    }
}
