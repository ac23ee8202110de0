package millrace.classlib;

import java.math.BigInteger;

/** Double: text to number, correctly rounded. */
@Adds(to = Double.class)
final class Doubles {
    /** Powers of ten that a double holds exactly. */
    private static final double[] POWERS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    };

    private Doubles() {}

    @Static
    @Replaces
    public static Double valueOf(String text) {
        return parseDouble(text);
    }

    @Static
    @Replaces
    public static double parseDouble(String text) {
        int from = 0;
        int to = text.length();
        while (from < to && text.charAt(from) <= ' ') {
            from++;
        }
        while (to > from && text.charAt(to - 1) <= ' ') {
            to--;
        }
        if (from == to) {
            throw new NumberFormatException("empty String");
        }
        int at = from;
        boolean negative = text.charAt(at) == '-';
        if (negative || text.charAt(at) == '+') {
            at++;
        }
        double value = unsigned(text, at, to);
        return negative ? -value : value;
    }

    private static NumberFormatException malformed(String text) {
        return new NumberFormatException("For input string: \"" + text + "\"");
    }

    private static double unsigned(String text, int at, int to) {
        if (text.startsWith("NaN", at) && to == at + 3) {
            return Double.NaN;
        }
        if (text.startsWith("Infinity", at) && to == at + 8) {
            return Double.POSITIVE_INFINITY;
        }
        if (at + 1 < to && text.charAt(at) == '0' && (text.charAt(at + 1) | 32) == 'x') {
            return hexadecimal(text, at + 2, to);
        }
        long mantissa = 0;
        int significant = 0;
        int digits = 0;
        int scale = 0;
        boolean point = false;
        int first = at;
        for (; at < to; at++) {
            char c = text.charAt(at);
            if (c == '.') {
                if (point) {
                    throw malformed(text);
                }
                point = true;
            } else if (c >= '0' && c <= '9') {
                digits++;
                if (significant < 18) {
                    mantissa = mantissa * 10 + (c - '0');
                }
                if (significant > 0 || c != '0') {
                    significant++;
                }
                if (point) {
                    scale++;
                }
            } else {
                break;
            }
        }
        int end = at;
        if (digits == 0) {
            throw malformed(text);
        }
        long exponent = 0;
        if (at < to && (text.charAt(at) | 32) == 'e') {
            at++;
            boolean down = at < to && text.charAt(at) == '-';
            if (down || at < to && text.charAt(at) == '+') {
                at++;
            }
            int start = at;
            for (; at < to && text.charAt(at) >= '0' && text.charAt(at) <= '9'; at++) {
                exponent = Math.min(exponent * 10 + (text.charAt(at) - '0'), 100_000_000);
            }
            if (at == start) {
                throw malformed(text);
            }
            exponent = down ? -exponent : exponent;
        }
        if (at < to && "dDfF".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        if (at != to) {
            throw malformed(text);
        }
        if (significant == 0) {
            return 0;
        }
        long power = exponent - scale;
        if (significant <= 18 && mantissa <= 1L << 53 && power >= -22 && power <= 22) {
            return power < 0 ? mantissa / POWERS[(int) -power] : mantissa * POWERS[(int) power];
        }
        long magnitude = power + significant;
        if (magnitude > 310) {
            return Double.POSITIVE_INFINITY;
        }
        if (magnitude < -326) {
            return 0;
        }
        BigInteger all = significant <= 18 ? BigInteger.valueOf(mantissa) : new BigInteger(text.substring(first, end).replace(".", ""));
        return power >= 0 ? ratio(all.multiply(BigInteger.TEN.pow((int) power)), BigInteger.ONE) : ratio(all, BigInteger.TEN.pow((int) -power));
    }

    /** The double nearest to a / b, ties to even. */
    private static double ratio(BigInteger a, BigInteger b) {
        int shift = 55 - (a.bitLength() - b.bitLength());
        // Below this a double loses digits: 2^-1074 is the last place.
        shift = Math.min(shift, 1076);
        if (shift > 0) {
            a = a.shiftLeft(shift);
        } else {
            b = b.shiftLeft(-shift);
        }
        BigInteger[] parts = a.divideAndRemainder(b);
        long quotient = parts[0].longValue();
        // A last bit that says whether anything is left makes the rounding below right.
        quotient = quotient << 1 | (parts[1].signum() == 0 ? 0 : 1);
        return scaled(quotient, -shift - 1);
    }

    /** quotient · 2^exponent, rounded once; the last bit of the quotient stands for all that follow. */
    private static double scaled(long quotient, int exponent) {
        if (quotient == 0) {
            return 0;
        }
        int length = 64 - Long.numberOfLeadingZeros(quotient);
        int drop = Math.max(length - 53, -1074 - exponent);
        if (drop <= 0) {
            return quotient * Math.pow(2, exponent);
        }
        if (drop > 62) {
            return 0;
        }
        long kept = quotient >>> drop;
        long rest = quotient & (1L << drop) - 1;
        long half = 1L << drop - 1;
        if (rest > half || rest == half && (kept & 1) == 1) {
            kept++;
        }
        exponent += drop;
        if (kept == 1L << 53) {
            kept >>>= 1;
            exponent++;
        }
        if (exponent > 971) {
            return Double.POSITIVE_INFINITY;
        }
        return Double.longBitsToDouble(kept < 1L << 52 ? kept : (long) (exponent + 1075) << 52 | kept & (1L << 52) - 1);
    }

    private static double hexadecimal(String text, int at, int to) {
        long mantissa = 0;
        int exponent = 0;
        int digits = 0;
        boolean point = false;
        boolean sticky = false;
        for (; at < to; at++) {
            char c = text.charAt(at);
            int digit = Character.digit(c, 16);
            if (c == '.' && !point) {
                point = true;
            } else if (digit >= 0) {
                digits++;
                if (mantissa >>> 57 == 0) {
                    mantissa = mantissa << 4 | digit;
                    exponent -= point ? 4 : 0;
                } else {
                    sticky |= digit != 0;
                    exponent += point ? 0 : 4;
                }
            } else {
                break;
            }
        }
        if (digits == 0 || at >= to || (text.charAt(at) | 32) != 'p') {
            throw malformed(text);
        }
        try {
            exponent += Integer.parseInt(text.substring(at + 1, to));
        } catch (NumberFormatException e) {
            throw malformed(text);
        }
        return scaled(mantissa << 1 | (sticky ? 1 : 0), exponent - 1);
    }
}
