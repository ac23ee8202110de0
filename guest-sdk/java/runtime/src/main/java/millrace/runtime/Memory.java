package millrace.runtime;

import org.teavm.interop.Address;
import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/**
 * Linear memory outside the Java heap: arguments, answers and output columns.
 *
 * <p>Everything that {@link #allocate} gives lives until the host has read the answer of the current call.
 */
@Include("millrace.h")
final class Memory {
    private Memory() {}

    /** Address of so many bytes; traps if there is no memory left, which the host reports as its limit. */
    @Import(name = "millrace_allocate")
    @Unmanaged
    static native int allocate(int alignment, int bytes);

    @Import(name = "millrace_copy")
    @Unmanaged
    static native void copy(int to, int from, int bytes);

    @Import(name = "millrace_fill")
    @Unmanaged
    static native void fill(int at, int value, int bytes);

    /** Number of UTF-16 units that the UTF-8 text has. */
    @Import(name = "millrace_utf16_length")
    @Unmanaged
    private static native int utf16Length(int from, int bytes);

    @Import(name = "millrace_utf16_write")
    @Unmanaged
    private static native void utf16Write(Address to, int from, int bytes, int units);

    /** Writes UTF-8 at `to`, which has room for three bytes per unit; answers the number of bytes. */
    @Import(name = "millrace_utf8_write")
    @Unmanaged
    private static native int utf8Write(int to, Address from, int units);

    @Import(name = "millrace_string_init")
    @Unmanaged
    static native void initString(Address string, Address characters);

    @Import(name = "millrace_string_characters")
    @Unmanaged
    static native Address charactersOf(Address string);

    @Unmanaged
    static byte readByte(int at) {
        return Address.fromInt(at).getByte();
    }

    @Unmanaged
    static int readInt(int at) {
        return Address.fromInt(at).getInt();
    }

    @Unmanaged
    static long readLong(int at) {
        return Address.fromInt(at).getLong();
    }

    @Unmanaged
    static void writeByte(int at, int value) {
        Address.fromInt(at).putByte((byte) value);
    }

    @Unmanaged
    static void writeInt(int at, int value) {
        Address.fromInt(at).putInt(value);
    }

    @Unmanaged
    static void writeLong(int at, long value) {
        Address.fromInt(at).putLong(value);
    }

    /** A new string; null if the text is empty or the collector has to make room first. */
    @Import(name = "millrace_string_try")
    @Unmanaged
    private static native Object stringTry(int from, int bytes);

    /** The text at an address. */
    static String string(int from, int bytes) {
        Object made = stringTry(from, bytes);
        return made != null ? (String) made : collectedString(from, bytes);
    }

    /** The same; makes room for it first. */
    private static String collectedString(int from, int bytes) {
        if (bytes == 0) {
            return "";
        }
        int units = utf16Length(from, bytes);
        char[] characters = new char[units];
        String string = new String();
        // Nothing is allocated in between, so nothing moves.
        utf16Write(Address.ofData(characters), from, bytes, units);
        initString(Address.ofObject(string), Address.ofObject(characters));
        return string;
    }

    /** Writes text as UTF-8; there must be room for three bytes per unit. Answers the number of bytes. */
    static int writeUtf8(String text, int to) {
        return utf8Write(to, charactersOf(Address.ofObject(text)), text.length());
    }

    static byte[] bytes(int from, int length) {
        byte[] bytes = new byte[length];
        copy(Address.ofData(bytes).toInt(), from, length);
        return bytes;
    }

    static void writeBytes(byte[] bytes, int to) {
        copy(to, Address.ofData(bytes).toInt(), bytes.length);
    }

    /** A copy of text in linear memory. */
    static Text text(String text) {
        int at = allocate(1, text.length() * 3);
        return new Text(at, writeUtf8(text, at));
    }

    /** A copy of bytes in linear memory. */
    static Text text(byte[] bytes) {
        int at = allocate(1, bytes.length);
        writeBytes(bytes, at);
        return new Text(at, bytes.length);
    }

    /** Address and length. */
    static final class Text {
        final int at;
        final int length;

        Text(int at, int length) {
            this.at = at;
            this.length = length;
        }

        /** Writes address and length, as lists and strings lie in memory. */
        void writeTo(int place) {
            writeInt(place, at);
            writeInt(place + 4, length);
        }
    }

    /** Text whose address and length lie at `place`. */
    static String stringAt(int place) {
        return string(readInt(place), readInt(place + 4));
    }

    /** Bytes whose address and length lie at `place`. */
    static byte[] bytesAt(int place) {
        return bytes(readInt(place), readInt(place + 4));
    }
}
