package org.teavm.classlib.java.security;

import java.util.Arrays;

/** SHA-384 and SHA-512: the same steps on words of 64 bits. */
final class TSha512Digest extends TBlockDigest {
    private final long[] initial;
    private final long[] h = new long[8];
    private final long[] w = new long[80];
    private final int length;

    private TSha512Digest(String name, int length, long[] initial) {
        super(name, 128);
        this.length = length;
        this.initial = initial;
        start();
    }

    static TSha512Digest sha512() {
        return new TSha512Digest("SHA-512", 64, Arrays.copyOfRange(TRoots.SQUARE, 0, 8));
    }

    static TSha512Digest sha384() {
        return new TSha512Digest("SHA-384", 48, Arrays.copyOfRange(TRoots.SQUARE, 8, 16));
    }

    @Override
    void start() {
        System.arraycopy(initial, 0, h, 0, 8);
    }

    @Override
    void compress() {
        for (int i = 0; i < 80; i++) {
            if (i < 16) {
                w[i] = (long) word(2 * i) << 32 | word(2 * i + 1) & 0xFFFF_FFFFL;
            } else {
                long s0 = Long.rotateRight(w[i - 15], 1) ^ Long.rotateRight(w[i - 15], 8) ^ w[i - 15] >>> 7;
                long s1 = Long.rotateRight(w[i - 2], 19) ^ Long.rotateRight(w[i - 2], 61) ^ w[i - 2] >>> 6;
                w[i] = w[i - 16] + s0 + w[i - 7] + s1;
            }
        }
        long[] v = h.clone();
        for (int i = 0; i < 80; i++) {
            long s1 = Long.rotateRight(v[4], 14) ^ Long.rotateRight(v[4], 18) ^ Long.rotateRight(v[4], 41);
            long t1 = v[7] + s1 + (v[4] & v[5] ^ ~v[4] & v[6]) + TRoots.CUBE[i] + w[i];
            long s0 = Long.rotateRight(v[0], 28) ^ Long.rotateRight(v[0], 34) ^ Long.rotateRight(v[0], 39);
            long t2 = s0 + (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]);
            System.arraycopy(v, 0, v, 1, 7);
            v[4] += t1;
            v[0] = t1 + t2;
        }
        for (int i = 0; i < 8; i++) {
            h[i] += v[i];
        }
    }

    @Override
    byte[] state() {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (h[i / 8] >>> 56 - i % 8 * 8);
        }
        return bytes;
    }

    @Override
    public int getDigestLength() {
        return length;
    }
}
