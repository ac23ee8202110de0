package org.teavm.classlib.java.security;

import java.math.BigInteger;

/** SHA-2's constants: the first 64 bits of the fractional parts of square and cube roots of the first primes. */
final class TRoots {
    static final long[] SQUARE = new long[16];
    static final long[] CUBE = new long[80];

    static {
        int prime = 1;
        for (int i = 0; i < 80; i++) {
            do {
                prime++;
            } while (!isPrime(prime));
            BigInteger value = BigInteger.valueOf(prime);
            if (i < 16) {
                SQUARE[i] = value.shiftLeft(128).sqrt().longValue();
            }
            CUBE[i] = cubeRoot(value.shiftLeft(192)).longValue();
        }
    }

    private TRoots() {}

    private static boolean isPrime(int n) {
        for (int d = 2; d * d <= n; d++) {
            if (n % d == 0) {
                return false;
            }
        }
        return true;
    }

    private static BigInteger cubeRoot(BigInteger value) {
        BigInteger root = BigInteger.ZERO;
        for (int bit = value.bitLength() / 3; bit >= 0; bit--) {
            BigInteger next = root.setBit(bit);
            if (next.multiply(next).multiply(next).compareTo(value) <= 0) {
                root = next;
            }
        }
        return root;
    }
}
