package millrace.runtime;

import org.teavm.interop.Function;
import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/** How C calls Java: functions by number, as `exports.h` lists them; the same number means something else in each world. */
@Include("millrace.h")
final class Exports {
    private Exports() {}

    /** No parameters, no answer. */
    abstract static class Call extends Function {
        public abstract void run();
    }

    /** An answer. */
    abstract static class Call0 extends Function {
        public abstract int run();
    }

    /** One parameter. */
    abstract static class Call1 extends Function {
        public abstract int run(int a);
    }

    /** One 64-bit parameter. */
    abstract static class CallLong extends Function {
        public abstract int run(long a);
    }

    /** Two parameters. */
    abstract static class Call2 extends Function {
        public abstract int run(int a, int b);
    }

    /** Three parameters. */
    abstract static class Call3 extends Function {
        public abstract int run(int a, int b, int c);
    }

    /** Four parameters. */
    abstract static class Call4 extends Function {
        public abstract int run(int a, int b, int c, int d);
    }

    /** Six parameters. */
    abstract static class Call6 extends Function {
        public abstract int run(int a, int b, int c, int d, int e, int f);
    }

    /** Seven parameters. */
    abstract static class Call7 extends Function {
        public abstract int run(int a, int b, int c, int d, int e, int f, int g);
    }

    /** Eleven parameters. */
    abstract static class Call11 extends Function {
        public abstract int run(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k);
    }

    @Import(name = "millrace_export")
    @Unmanaged
    static native void export(int number, Function function);
}
