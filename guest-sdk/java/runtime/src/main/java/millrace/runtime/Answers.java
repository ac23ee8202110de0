package millrace.runtime;

import java.util.ArrayList;
import java.util.List;

/** Values of custom operators as the canonical ABI lays them out: results, and lists of bytes. */
final class Answers {
    /** Room for any `result` whose value is not larger than a batch. */
    static final int RESULT_BYTES = 28;

    private Answers() {}

    /** A `result` that is a value, to be written behind it at `+ 4`. */
    static int ok(int bytes) {
        int result = Memory.allocate(8, bytes);
        Memory.writeByte(result, 0);
        return result;
    }

    /** A `result` without value. */
    static int done() {
        return ok(RESULT_BYTES);
    }

    /** A `result` that is a fault, which lies at an offset: 4, or 8 if the value has numbers of 64 bits. */
    static int fault(Throwable thrown, int offset) {
        int result = Memory.allocate(8, offset + 16);
        Memory.writeByte(result, 1);
        Faults.write(result + offset, Faults.text(thrown), -1);
        return result;
    }

    /** A `result` that is a batch. */
    static int batch(Output output) {
        int result = ok(RESULT_BYTES);
        output.write(result + 4);
        return result;
    }

    /** A `result` that is a list of bytes; null is an empty one. */
    static int bytes(byte[] bytes) {
        int result = ok(RESULT_BYTES);
        Memory.text(bytes == null ? new byte[0] : bytes).writeTo(result + 4);
        return result;
    }

    /** Lists of bytes, of which so many lie at an address. */
    static List<byte[]> lists(int at, int count) {
        List<byte[]> lists = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            lists.add(Memory.bytesAt(at + (i << 3)));
        }
        return lists;
    }
}
