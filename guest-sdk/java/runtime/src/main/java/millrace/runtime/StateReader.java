package millrace.runtime;

/** Reads what {@link StateWriter} has written. */
public final class StateReader {
    private final byte[] bytes;
    private int at;

    StateReader(byte[] bytes) {
        this.bytes = bytes;
    }

    /** A byte. */
    public byte readByte() {
        if (at >= bytes.length) {
            throw new IllegalStateException("the state of the accumulator ends too early");
        }
        return bytes[at++];
    }

    /** Four bytes. */
    public int readInt() {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            value = value << 8 | readByte() & 0xff;
        }
        return value;
    }

    /** Eight bytes. */
    public long readLong() {
        return (long) readInt() << 32 | readInt() & 0xffffffffL;
    }

    /** A float. */
    public float readFloat() {
        return Float.intBitsToFloat(readInt());
    }

    /** A double. */
    public double readDouble() {
        return Double.longBitsToDouble(readLong());
    }

    /** Whether there is a value. */
    public boolean readPresent() {
        return readByte() != 0;
    }

    private int readLength(int unit) {
        int length = readInt();
        if (length < 0 || length > (bytes.length - at) / unit) {
            throw new IllegalStateException("the state of the accumulator has a length of " + length);
        }
        return length;
    }

    /** Text. */
    public String readString() {
        char[] units = new char[readLength(2)];
        for (int i = 0; i < units.length; i++) {
            units[i] = (char) ((readByte() & 0xff) << 8 | readByte() & 0xff);
        }
        return new String(units);
    }

    /** Bytes. */
    public byte[] readBytes() {
        byte[] value = new byte[readLength(1)];
        System.arraycopy(bytes, at, value, 0, value.length);
        at += value.length;
        return value;
    }

    /** A number of elements. */
    public int readCount() {
        return readLength(1);
    }

    /** Where the field ends whose name has been read. */
    public int readFieldEnd() {
        return readLength(1) + at;
    }

    /** Goes on behind a field. */
    public void skipTo(int end) {
        at = end;
    }
}
