package millrace.runtime;

/** Writes accumulators: numbers big-endian, text as UTF-16 units, fields by name and length so that later versions can skip. */
public final class StateWriter {
    private byte[] bytes = new byte[64];
    private int length;

    int length() {
        return length;
    }

    byte[] bytes() {
        byte[] exact = new byte[length];
        System.arraycopy(bytes, 0, exact, 0, length);
        return exact;
    }

    private void reserve(int more) {
        if (length + more > bytes.length) {
            byte[] larger = new byte[Math.max(length + more, bytes.length * 2)];
            System.arraycopy(bytes, 0, larger, 0, length);
            bytes = larger;
        }
    }

    /** A byte. */
    public void writeByte(int value) {
        reserve(1);
        bytes[length++] = (byte) value;
    }

    /** Four bytes. */
    public void writeInt(int value) {
        reserve(4);
        for (int shift = 24; shift >= 0; shift -= 8) {
            bytes[length++] = (byte) (value >> shift);
        }
    }

    /** Eight bytes. */
    public void writeLong(long value) {
        writeInt((int) (value >> 32));
        writeInt((int) value);
    }

    /** A float. */
    public void writeFloat(float value) {
        writeInt(Float.floatToRawIntBits(value));
    }

    /** A double. */
    public void writeDouble(double value) {
        writeLong(Double.doubleToRawLongBits(value));
    }

    /** Whether there is a value; answers it. */
    public boolean writePresent(Object value) {
        writeByte(value == null ? 0 : 1);
        return value != null;
    }

    /** Text. */
    public void writeString(String value) {
        writeInt(value.length());
        reserve(value.length() * 2);
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            bytes[length++] = (byte) (c >> 8);
            bytes[length++] = (byte) c;
        }
    }

    /** Bytes. */
    public void writeBytes(byte[] value) {
        writeInt(value.length);
        reserve(value.length);
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
    }

    /** Begins a field; the answer is for {@link #endField}. */
    public int beginField(String name) {
        writeString(name);
        writeInt(0);
        return length;
    }

    /** Ends it: its length is known now. */
    public void endField(int begin) {
        int end = length;
        length = begin - 4;
        writeInt(end - begin);
        length = end;
    }
}
