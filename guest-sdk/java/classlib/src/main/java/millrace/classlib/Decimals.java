package millrace.classlib;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;

/** BigDecimal. */
@Adds(to = BigDecimal.class)
final class Decimals {
    private Decimals() {}

    public static BigDecimal sqrt(BigDecimal value, MathContext context) {
        if (value.signum() < 0) {
            throw new ArithmeticException("Attempted square root of negative BigDecimal");
        }
        int preferredScale = value.scale() / 2;
        if (value.signum() == 0) {
            return BigDecimal.valueOf(0, preferredScale);
        }
        BigDecimal stripped = value.stripTrailingZeros();
        int digits = context.getPrecision() == 0 ? stripped.precision() / 2 + 1 : context.getPrecision();
        // An integer root with two digits more than asked for; whether it is exact decides how it is rounded.
        int shift = 2 * (digits + 2) - stripped.precision() + stripped.scale();
        if ((shift & 1) != 0) {
            shift++;
        }
        if (shift < stripped.scale()) {
            shift = stripped.scale() + (stripped.scale() & 1);
        }
        BigInteger scaled = stripped.movePointRight(shift).toBigIntegerExact();
        BigInteger root = scaled.sqrt();
        boolean exact = root.multiply(root).equals(scaled);
        if (context.getPrecision() == 0 && !exact) {
            throw new ArithmeticException("Computed square root not exact.");
        }
        BigDecimal result;
        if (exact) {
            result = new BigDecimal(root, shift / 2).round(context).stripTrailingZeros();
            return result.scale() < preferredScale && (context.getPrecision() == 0 || result.precision() + preferredScale - result.scale() <= context.getPrecision())
                ? result.setScale(preferredScale)
                : result;
        }
        // A digit below the last one stands for the rest that was cut off.
        result = new BigDecimal(root.multiply(BigInteger.TEN).add(BigInteger.ONE), shift / 2 + 1);
        return result.round(context);
    }

    @Replaces
    public static int hashCode(BigDecimal value) {
        return 31 * value.unscaledValue().hashCode() + value.scale();
    }

    @Replaces
    public static int precision(BigDecimal value) {
        BigInteger unscaled = value.unscaledValue();
        if (unscaled.bitLength() > 63) {
            return unscaled.abs().toString().length();
        }
        int digits = 1;
        for (long left = unscaled.longValue() / 10; left != 0; left /= 10) {
            digits++;
        }
        return digits;
    }

    @Replaces
    public static BigDecimal round(BigDecimal value, MathContext context) {
        int wanted = context.getPrecision();
        BigDecimal rounded = value;
        // Rounding can give a digit more: 9.99 becomes 10.0.
        while (wanted > 0 && precision(rounded) > wanted) {
            rounded = rounded.setScale(rounded.scale() - (precision(rounded) - wanted), context.getRoundingMode());
        }
        return rounded;
    }
}
