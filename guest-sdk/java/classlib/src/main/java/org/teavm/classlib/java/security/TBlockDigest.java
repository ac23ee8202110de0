package org.teavm.classlib.java.security;

import java.util.Arrays;

/** Digests that work block by block and put the length at the end. */
abstract class TBlockDigest extends TMessageDigest {
    final byte[] block;
    private final int lengthBytes;
    private int filled;
    private long total;

    TBlockDigest(String algorithm, int blockBytes) {
        super(algorithm);
        block = new byte[blockBytes];
        lengthBytes = blockBytes / 8;
    }

    abstract void start();

    abstract void compress();

    abstract byte[] state();

    boolean bigEndian() {
        return true;
    }

    @Override
    public void update(byte b) {
        block[filled++] = b;
        total++;
        if (filled == block.length) {
            compress();
            filled = 0;
        }
    }

    @Override
    public void update(byte[] bytes, int offset, int length) {
        if (offset < 0 || length < 0 || offset > bytes.length - length) {
            throw new IllegalArgumentException("Input buffer too short");
        }
        for (int i = 0; i < length; i++) {
            update(bytes[offset + i]);
        }
    }

    @Override
    public byte[] digest() {
        long bits = total * 8;
        update((byte) 0x80);
        while (filled != block.length - lengthBytes) {
            update((byte) 0);
        }
        for (int i = 0; i < lengthBytes; i++) {
            int at = bigEndian() ? lengthBytes - 1 - i : i;
            update((byte) (at < 8 ? bits >>> 8 * at : 0));
        }
        byte[] result = state();
        reset();
        return result;
    }

    @Override
    public void reset() {
        filled = 0;
        total = 0;
        Arrays.fill(block, (byte) 0);
        start();
    }

    int word(int index) {
        int at = index * 4;
        return bigEndian()
            ? block[at] << 24 | (block[at + 1] & 255) << 16 | (block[at + 2] & 255) << 8 | block[at + 3] & 255
            : block[at + 3] << 24 | (block[at + 2] & 255) << 16 | (block[at + 1] & 255) << 8 | block[at] & 255;
    }

    byte[] bytes(int[] words, int length) {
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (words[i / 4] >>> (bigEndian() ? 24 - i % 4 * 8 : i % 4 * 8));
        }
        return bytes;
    }

    static final class Md5 extends TBlockDigest {
        private static final int[] SHIFTS = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
        private static final int[] SINES = new int[64];

        static {
            for (int i = 0; i < 64; i++) {
                SINES[i] = (int) (long) (Math.abs(Math.sin(i + 1)) * 4294967296.0);
            }
        }

        private final int[] h = new int[4];

        Md5() {
            super("MD5", 64);
            start();
        }

        @Override
        boolean bigEndian() {
            return false;
        }

        @Override
        void start() {
            h[0] = 0x67452301;
            h[1] = 0xefcdab89;
            h[2] = 0x98badcfe;
            h[3] = 0x10325476;
        }

        @Override
        void compress() {
            int a = h[0];
            int b = h[1];
            int c = h[2];
            int d = h[3];
            for (int i = 0; i < 64; i++) {
                int f;
                int g;
                if (i < 16) {
                    f = b & c | ~b & d;
                    g = i;
                } else if (i < 32) {
                    f = d & b | ~d & c;
                    g = 5 * i + 1 & 15;
                } else if (i < 48) {
                    f = b ^ c ^ d;
                    g = 3 * i + 5 & 15;
                } else {
                    f = c ^ (b | ~d);
                    g = 7 * i & 15;
                }
                int turned = Integer.rotateLeft(a + f + SINES[i] + word(g), SHIFTS[i / 16 * 4 + i % 4]);
                a = d;
                d = c;
                c = b;
                b += turned;
            }
            h[0] += a;
            h[1] += b;
            h[2] += c;
            h[3] += d;
        }

        @Override
        byte[] state() {
            return bytes(h, 16);
        }

        @Override
        public int getDigestLength() {
            return 16;
        }
    }

    static final class Sha1 extends TBlockDigest {
        private final int[] h = new int[5];
        private final int[] w = new int[80];

        Sha1() {
            super("SHA-1", 64);
            start();
        }

        @Override
        void start() {
            h[0] = 0x67452301;
            h[1] = 0xefcdab89;
            h[2] = 0x98badcfe;
            h[3] = 0x10325476;
            h[4] = 0xc3d2e1f0;
        }

        @Override
        void compress() {
            for (int i = 0; i < 80; i++) {
                w[i] = i < 16 ? word(i) : Integer.rotateLeft(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
            }
            int a = h[0];
            int b = h[1];
            int c = h[2];
            int d = h[3];
            int e = h[4];
            for (int i = 0; i < 80; i++) {
                int f;
                if (i < 20) {
                    f = (b & c | ~b & d) + 0x5a827999;
                } else if (i < 40) {
                    f = (b ^ c ^ d) + 0x6ed9eba1;
                } else if (i < 60) {
                    f = (b & c | b & d | c & d) + 0x8f1bbcdc;
                } else {
                    f = (b ^ c ^ d) + 0xca62c1d6;
                }
                int next = Integer.rotateLeft(a, 5) + f + e + w[i];
                e = d;
                d = c;
                c = Integer.rotateLeft(b, 30);
                b = a;
                a = next;
            }
            h[0] += a;
            h[1] += b;
            h[2] += c;
            h[3] += d;
            h[4] += e;
        }

        @Override
        byte[] state() {
            return bytes(h, 20);
        }

        @Override
        public int getDigestLength() {
            return 20;
        }
    }

    static final class Sha256 extends TBlockDigest {
        private final int[] initial;
        private final int[] h = new int[8];
        private final int[] w = new int[64];
        private final int length;

        private Sha256(String name, int length, int[] initial) {
            super(name, 64);
            this.length = length;
            this.initial = initial;
            start();
        }

        static Sha256 sha256() {
            int[] initial = new int[8];
            for (int i = 0; i < 8; i++) {
                initial[i] = (int) (TRoots.SQUARE[i] >>> 32);
            }
            return new Sha256("SHA-256", 32, initial);
        }

        static Sha256 sha224() {
            int[] initial = new int[8];
            for (int i = 0; i < 8; i++) {
                initial[i] = (int) TRoots.SQUARE[i + 8];
            }
            return new Sha256("SHA-224", 28, initial);
        }

        @Override
        void start() {
            System.arraycopy(initial, 0, h, 0, 8);
        }

        @Override
        void compress() {
            for (int i = 0; i < 64; i++) {
                if (i < 16) {
                    w[i] = word(i);
                } else {
                    int s0 = Integer.rotateRight(w[i - 15], 7) ^ Integer.rotateRight(w[i - 15], 18) ^ w[i - 15] >>> 3;
                    int s1 = Integer.rotateRight(w[i - 2], 17) ^ Integer.rotateRight(w[i - 2], 19) ^ w[i - 2] >>> 10;
                    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
                }
            }
            int[] v = h.clone();
            for (int i = 0; i < 64; i++) {
                int s1 = Integer.rotateRight(v[4], 6) ^ Integer.rotateRight(v[4], 11) ^ Integer.rotateRight(v[4], 25);
                int t1 = v[7] + s1 + (v[4] & v[5] ^ ~v[4] & v[6]) + (int) (TRoots.CUBE[i] >>> 32) + w[i];
                int s0 = Integer.rotateRight(v[0], 2) ^ Integer.rotateRight(v[0], 13) ^ Integer.rotateRight(v[0], 22);
                int t2 = s0 + (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]);
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
            return bytes(h, length);
        }

        @Override
        public int getDigestLength() {
            return length;
        }
    }
}
