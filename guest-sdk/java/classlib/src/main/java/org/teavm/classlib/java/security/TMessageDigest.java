package org.teavm.classlib.java.security;

import java.nio.ByteBuffer;
import java.security.NoSuchAlgorithmException;

/** {@code java.security.MessageDigest}: MD5 (RFC 1321), SHA-1 and SHA-2 (FIPS 180-4). */
public abstract class TMessageDigest {
    private final String algorithm;

    protected TMessageDigest(String algorithm) {
        this.algorithm = algorithm;
    }

    public static TMessageDigest getInstance(String algorithm) throws NoSuchAlgorithmException {
        switch (algorithm.toUpperCase()) {
            case "MD5":
                return new TBlockDigest.Md5();
            case "SHA":
            case "SHA1":
            case "SHA-1":
                return new TBlockDigest.Sha1();
            case "SHA-224":
                return TBlockDigest.Sha256.sha224();
            case "SHA-256":
                return TBlockDigest.Sha256.sha256();
            case "SHA-384":
                return TSha512Digest.sha384();
            case "SHA-512":
                return TSha512Digest.sha512();
            default:
                throw new NoSuchAlgorithmException(algorithm + " MessageDigest not available");
        }
    }

    /** What UUID needs. */
    public static byte[] md5(byte[] bytes) {
        return new TBlockDigest.Md5().digest(bytes);
    }

    public final String getAlgorithm() {
        return algorithm;
    }

    public abstract int getDigestLength();

    public abstract void update(byte b);

    public abstract void update(byte[] bytes, int offset, int length);

    public abstract byte[] digest();

    public abstract void reset();

    public final void update(byte[] bytes) {
        update(bytes, 0, bytes.length);
    }

    public final void update(ByteBuffer buffer) {
        byte[] bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        update(bytes);
    }

    public final byte[] digest(byte[] bytes) {
        update(bytes);
        return digest();
    }

    public static boolean isEqual(byte[] a, byte[] b) {
        if (a == null || b == null || a.length != b.length) {
            return a == b;
        }
        int different = 0;
        for (int i = 0; i < a.length; i++) {
            different |= a[i] ^ b[i];
        }
        return different == 0;
    }

    @Override
    public String toString() {
        return algorithm + " Message Digest";
    }
}
