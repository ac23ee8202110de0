package millrace.runtime;

import java.util.function.Supplier;
import millrace.api.Place;
import millrace.api.SinkOperator;
import org.teavm.interop.Function;

/** The world `sink-operator`. */
public final class SinkWorld {
    private static Supplier<SinkOperator> maker;
    private static SinkOperator sink;
    private static InputRow input;

    private SinkWorld() {}

    /** Sets what makes the tenant's sink; called by the entry class when the instance starts. */
    public static void install(Supplier<SinkOperator> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call0.class, SinkWorld.class, "acceptsChanges"));
        Exports.export(1, Function.get(Exports.Call6.class, SinkWorld.class, "open"));
        Exports.export(2, Function.get(Exports.Call6.class, SinkWorld.class, "write"));
        Exports.export(3, Function.get(Exports.CallLong.class, SinkWorld.class, "prepare"));
        Exports.export(4, Function.get(Exports.CallLong.class, SinkWorld.class, "commit"));
    }

    private static void make() {
        if (sink == null) {
            sink = maker.get();
            sink.attach(new HostContext());
        }
    }

    /** `accepts-changes`. */
    public static int acceptsChanges() {
        try {
            make();
            int result = Answers.done();
            Memory.writeByte(result + 4, sink.acceptsChanges() ? 1 : 0);
            return result;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `open`: the columns, the place, and what was prepared by an earlier run. */
    public static int open(int fields, int count, int subtask, int parallelism, int restored, int restoredCount) {
        try {
            make();
            Column[] columns = Schemas.read(fields, count);
            input = new InputRow(columns, new Names(columns));
            sink.open(input.names, new Place(subtask, parallelism), Answers.lists(restored, restoredCount));
            return Answers.done();
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `write`: the record `batch`, flattened. */
    public static int write(int rows, int hasKinds, int kinds, int kindsLength, int columns, int columnCount) {
        try {
            input.bind(columns);
            input.kinds = hasKinds == 0 ? 0 : kinds;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
        int fault = EachRow.run(input, rows, null, row -> sink.write(row));
        if (fault != 0) {
            return fault;
        }
        try {
            sink.flush();
            return Answers.done();
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `prepare`. */
    public static int prepare(long checkpoint) {
        try {
            return Answers.bytes(sink.prepare(checkpoint));
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `commit`. */
    public static int commit(long checkpoint) {
        try {
            sink.commit(checkpoint);
            return Answers.done();
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }
}
