package millrace.classlib;

import java.math.BigDecimal;
import java.math.BigInteger;

/** Math. */
@Adds(to = Math.class)
final class Maths {
    private Maths() {}

    public static long multiplyFull(int a, int b) {
        return (long) a * b;
    }

    public static long multiplyHigh(long a, long b) {
        return BigInteger.valueOf(a).multiply(BigInteger.valueOf(b)).shiftRight(64).longValue();
    }

    /** One rounding, by exact decimals. */
    public static double fma(double a, double b, double c) {
        if (Double.isNaN(a) || Double.isInfinite(a) || Double.isNaN(b) || Double.isInfinite(b) || Double.isNaN(c) || Double.isInfinite(c)) {
            return a * b + c;
        }
        if (a == 0 || b == 0) {
            return a * b + c;
        }
        BigDecimal product = new BigDecimal(a).multiply(new BigDecimal(b));
        return c == 0 ? product.doubleValue() : product.add(new BigDecimal(c)).doubleValue();
    }

    public static float fma(float a, float b, float c) {
        return (float) ((double) a * b + c);
    }

    @Replaces
    public static double ulp(double value) {
        if (Double.isNaN(value)) {
            return value;
        }
        if (Double.isInfinite(value)) {
            return Double.POSITIVE_INFINITY;
        }
        long exponent = Double.doubleToLongBits(value) >>> 52 & 0x7FF;
        if (exponent <= 1) {
            return Double.MIN_VALUE;
        }
        exponent -= 52;
        return Double.longBitsToDouble(exponent > 0 ? exponent << 52 : 1L << exponent + 51);
    }

    /** Adding and taking away 2^52 rounds to even. */
    @Replaces
    public static double rint(double value) {
        double size = Math.abs(value);
        if (!(size < 4503599627370496.0)) {
            return value;
        }
        return Math.copySign(size + 4503599627370496.0 - 4503599627370496.0, value);
    }

    @Replaces
    public static long round(double value) {
        if (Double.isNaN(value)) {
            return 0;
        }
        double floor = Math.floor(value);
        return (long) (value - floor >= 0.5 ? floor + 1 : floor);
    }

    @Replaces
    public static int round(float value) {
        if (Float.isNaN(value)) {
            return 0;
        }
        double floor = Math.floor(value);
        return (int) (value - floor >= 0.5 ? floor + 1 : floor);
    }

    @Replaces
    public static double IEEEremainder(double a, double b) {
        if (Double.isNaN(a) || Double.isNaN(b) || Double.isInfinite(a) || b == 0) {
            return Double.NaN;
        }
        if (Double.isInfinite(b)) {
            return a;
        }
        double divisor = Math.abs(b);
        // The rest of twice the divisor tells whether the quotient is odd.
        double rest = Math.abs(a);
        if (divisor <= Double.MAX_VALUE / 2) {
            rest %= divisor + divisor;
        }
        if (rest > divisor / 2 && rest + rest > divisor) {
            rest -= divisor;
            if (rest + rest >= divisor) {
                rest -= divisor;
            }
        }
        return a < 0 || a == 0 && 1 / a < 0 ? -rest : rest;
    }

    /** Near 0 the rounding of 1 + x is divided out again. */
    @Replaces
    public static double log1p(double x) {
        double sum = 1 + x;
        if (sum == 1) {
            return x;
        }
        return Double.isInfinite(sum) || Math.abs(x) > 1 ? Math.log(sum) : Math.log(sum) * (x / (sum - 1));
    }

    /** Near 0 the rounding of e^x is divided out again. */
    @Replaces
    public static double expm1(double x) {
        double power = Math.exp(x);
        if (power == 1) {
            return x;
        }
        if (Math.abs(x) > 0.5 || power == 0) {
            return power - 1;
        }
        return (power - 1) * (x / Math.log(power));
    }

    @Replaces
    public static int addExact(int a, int b) {
        int sum = a + b;
        if (((a ^ sum) & (b ^ sum)) < 0) {
            throw new ArithmeticException("integer overflow");
        }
        return sum;
    }

    @Replaces
    public static int subtractExact(int a, int b) {
        int difference = a - b;
        if (((a ^ b) & (a ^ difference)) < 0) {
            throw new ArithmeticException("integer overflow");
        }
        return difference;
    }

    @Replaces
    public static int incrementExact(int a) {
        if (a == Integer.MAX_VALUE) {
            throw new ArithmeticException("integer overflow");
        }
        return a + 1;
    }

    @Replaces
    public static int decrementExact(int a) {
        if (a == Integer.MIN_VALUE) {
            throw new ArithmeticException("integer overflow");
        }
        return a - 1;
    }

    @Replaces
    public static int negateExact(int a) {
        if (a == Integer.MIN_VALUE) {
            throw new ArithmeticException("integer overflow");
        }
        return -a;
    }

    @Replaces
    public static long addExact(long a, long b) {
        long sum = a + b;
        if (((a ^ sum) & (b ^ sum)) < 0) {
            throw new ArithmeticException("long overflow");
        }
        return sum;
    }

    @Replaces
    public static long subtractExact(long a, long b) {
        long difference = a - b;
        if (((a ^ b) & (a ^ difference)) < 0) {
            throw new ArithmeticException("long overflow");
        }
        return difference;
    }

    @Replaces
    public static long incrementExact(long a) {
        if (a == Long.MAX_VALUE) {
            throw new ArithmeticException("long overflow");
        }
        return a + 1;
    }

    @Replaces
    public static long decrementExact(long a) {
        if (a == Long.MIN_VALUE) {
            throw new ArithmeticException("long overflow");
        }
        return a - 1;
    }

    @Replaces
    public static long negateExact(long a) {
        if (a == Long.MIN_VALUE) {
            throw new ArithmeticException("long overflow");
        }
        return -a;
    }

    @Replaces
    public static int multiplyExact(int a, int b) {
        return toInt((long) a * b);
    }

    @Replaces
    public static long multiplyExact(long a, int b) {
        return multiplyExact(a, (long) b);
    }

    @Replaces
    public static long multiplyExact(long a, long b) {
        long product = a * b;
        if (Math.abs(a) >>> 31 != 0 || Math.abs(b) >>> 31 != 0) {
            if (a == Long.MIN_VALUE && b == -1 || b == Long.MIN_VALUE && a == -1 || b != 0 && product / b != a) {
                throw new ArithmeticException("long overflow");
            }
        }
        return product;
    }

    @Replaces
    public static int toIntExact(long value) {
        return toInt(value);
    }

    private static int toInt(long value) {
        if ((int) value != value) {
            throw new ArithmeticException("integer overflow");
        }
        return (int) value;
    }
}
