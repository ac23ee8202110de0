package org.teavm.classlib.java.util;

import java.io.Serializable;
import org.teavm.classlib.java.security.TMessageDigest;

/** {@code java.util.UUID}. */
public final class TUUID implements Serializable, Comparable<TUUID> {
    private static final long serialVersionUID = 1L;

    private final long high;
    private final long low;

    public TUUID(long mostSigBits, long leastSigBits) {
        high = mostSigBits;
        low = leastSigBits;
    }

    public static TUUID randomUUID() {
        return new TUUID(random64() & ~0xF000L | 0x4000L, random64() & 0x3FFF_FFFF_FFFF_FFFFL | 0x8000_0000_0000_0000L);
    }

    private static long random64() {
        return (long) (Math.random() * 4294967296.0) << 32 | (long) (Math.random() * 4294967296.0);
    }

    public static TUUID nameUUIDFromBytes(byte[] name) {
        byte[] hash = TMessageDigest.md5(name);
        long high = 0;
        long low = 0;
        for (int i = 0; i < 8; i++) {
            high = high << 8 | hash[i] & 255;
            low = low << 8 | hash[i + 8] & 255;
        }
        return new TUUID(high & ~0xF000L | 0x3000L, low & 0x3FFF_FFFF_FFFF_FFFFL | 0x8000_0000_0000_0000L);
    }

    public static TUUID fromString(String text) {
        String[] parts = text.split("-", -1);
        if (parts.length != 5) {
            throw new IllegalArgumentException("Invalid UUID string: " + text);
        }
        long[] values = new long[5];
        for (int i = 0; i < 5; i++) {
            values[i] = Long.parseLong(parts[i], 16);
        }
        return new TUUID(
            (values[0] & 0xFFFF_FFFFL) << 32 | (values[1] & 0xFFFF) << 16 | values[2] & 0xFFFF,
            (values[3] & 0xFFFF) << 48 | values[4] & 0xFFFF_FFFF_FFFFL);
    }

    public long getMostSignificantBits() {
        return high;
    }

    public long getLeastSignificantBits() {
        return low;
    }

    public int version() {
        return (int) (high >> 12 & 15);
    }

    public int variant() {
        return (int) (low >>> 64 - (low >>> 62) & low >> 63);
    }

    private void needsTime() {
        if (version() != 1) {
            throw new UnsupportedOperationException("Not a time-based UUID");
        }
    }

    public long timestamp() {
        needsTime();
        return (high & 0xFFF) << 48 | (high >> 16 & 0xFFFF) << 32 | high >>> 32;
    }

    public int clockSequence() {
        needsTime();
        return (int) (low >> 48 & 0x3FFF);
    }

    public long node() {
        needsTime();
        return low & 0xFFFF_FFFF_FFFFL;
    }

    private static void hex(char[] out, int at, long value, int digits) {
        for (int i = digits - 1; i >= 0; i--) {
            out[at + i] = Character.forDigit((int) value & 15, 16);
            value >>>= 4;
        }
    }

    @Override
    public String toString() {
        char[] out = new char[36];
        hex(out, 0, high >>> 32, 8);
        out[8] = '-';
        hex(out, 9, high >>> 16, 4);
        out[13] = '-';
        hex(out, 14, high, 4);
        out[18] = '-';
        hex(out, 19, low >>> 48, 4);
        out[23] = '-';
        hex(out, 24, low, 12);
        return new String(out);
    }

    @Override
    public int hashCode() {
        long both = high ^ low;
        return (int) (both >> 32) ^ (int) both;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TUUID && ((TUUID) other).high == high && ((TUUID) other).low == low;
    }

    @Override
    public int compareTo(TUUID other) {
        return high != other.high ? Long.compare(high, other.high) : Long.compare(low, other.low);
    }
}
