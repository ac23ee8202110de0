package millrace.classlib;

import java.math.BigInteger;

/** Long. */
@Adds(to = Long.class)
final class Longs {
    private Longs() {}

    public static long parseUnsignedLong(String text) {
        return parseUnsignedLong(text, 10);
    }

    public static long parseUnsignedLong(String text, int radix) {
        BigInteger value = new BigInteger(text, radix);
        if (value.signum() < 0 || value.bitLength() > 64) {
            throw new NumberFormatException("For input string: \"" + text + "\"");
        }
        return value.longValue();
    }

    @Static
    @Replaces
    public static long parseLong(String text, int radix) {
        if (text == null) {
            throw new NumberFormatException("Cannot parse null string");
        }
        return parse(text, radix, false);
    }

    private static NumberFormatException malformed(String text, int radix) {
        return new NumberFormatException("For input string: \"" + text + "\"" + (radix == 10 ? "" : " under radix " + radix));
    }

    static long parse(String text, int radix, boolean isInt) {
        if (radix < Character.MIN_RADIX || radix > Character.MAX_RADIX) {
            throw new NumberFormatException("radix " + radix + " out of range");
        }
        int length = text.length();
        int at = 0;
        boolean negative = length > 0 && text.charAt(0) == '-';
        if (negative || length > 0 && text.charAt(0) == '+') {
            at = 1;
        }
        if (at == length) {
            throw malformed(text, radix);
        }
        // Counted downwards, because there is one more negative number.
        long least = negative ? isInt ? Integer.MIN_VALUE : Long.MIN_VALUE : isInt ? -Integer.MAX_VALUE : -Long.MAX_VALUE;
        long leastBefore = least / radix;
        long value = 0;
        for (; at < length; at++) {
            char c = text.charAt(at);
            int digit = c >= '0' && c <= '9' && radix >= 10 ? c - '0' : Character.digit(c, radix);
            if (digit < 0 || value < leastBefore) {
                throw malformed(text, radix);
            }
            value *= radix;
            if (value < least + digit) {
                throw malformed(text, radix);
            }
            value -= digit;
        }
        return negative ? value : -value;
    }
}
