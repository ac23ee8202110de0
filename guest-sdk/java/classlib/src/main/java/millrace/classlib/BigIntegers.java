package millrace.classlib;

import java.math.BigInteger;

/** BigInteger. */
@Adds(to = BigInteger.class)
final class BigIntegers {
    private BigIntegers() {}

    public static BigInteger[] sqrtAndRemainder(BigInteger value) {
        BigInteger root = value.sqrt();
        return new BigInteger[] {root, value.subtract(root.multiply(root))};
    }

    @Replaces
    public static int hashCode(BigInteger value) {
        int hash = 0;
        BigInteger magnitude = value.abs();
        for (int shift = (magnitude.bitLength() - 1) / 32 * 32; shift >= 0; shift -= 32) {
            hash = 31 * hash + magnitude.shiftRight(shift).intValue();
        }
        return hash * value.signum();
    }
}
