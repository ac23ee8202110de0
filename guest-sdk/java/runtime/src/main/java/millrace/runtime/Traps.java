package millrace.runtime;

import org.teavm.interop.Function;
import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/** What would end the instance elsewhere, as Java's errors: no heap left, calls nested too deeply. */
@Include("millrace.h")
public final class Traps {
    /** Numbers in `exports.h`. */
    private static final int OUT_OF_MEMORY = 14;
    private static final int STACK_OVERFLOW = 15;

    private static OutOfMemoryError outOfMemory;
    /** Never true; keeps the optimiser from seeing that. */
    private static boolean never;

    private Traps() {}

    @Import(name = "millrace_stack_use_reserve")
    @Unmanaged
    private static native void useReserve(int use);

    /** Makes now what cannot be made later. */
    static void prepare() {
        outOfMemory = new OutOfMemoryError("Java heap space");
        Exports.export(OUT_OF_MEMORY, Function.get(Exports.Call.class, Traps.class, "throwOutOfMemory"));
        Exports.export(STACK_OVERFLOW, Function.get(Exports.Call.class, Traps.class, "throwStackOverflow"));
    }

    /** Called by the collector when there is nothing left to free. */
    public static void throwOutOfMemory() {
        throw outOfMemory;
    }

    /** Called when a function finds the stack used up; the reserve is in use. */
    public static void throwStackOverflow() {
        StackOverflowError error = new StackOverflowError();
        useReserve(0);
        throw error;
    }

    /** Exceptions that the machine throws: known to flow into handlers, so that their classes keep their names. */
    static Throwable machineException(Throwable thrown) {
        if (never) {
            switch (thrown.hashCode()) {
                case 0:
                    return new NullPointerException();
                case 1:
                    return new ArrayIndexOutOfBoundsException();
                case 2:
                    return new ClassCastException();
                case 3:
                    return new NegativeArraySizeException();
                case 4:
                    return new ArrayStoreException();
                default:
                    return new StackOverflowError();
            }
        }
        return thrown;
    }
}
