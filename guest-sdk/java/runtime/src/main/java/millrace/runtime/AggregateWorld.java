package millrace.runtime;

import java.util.List;
import java.util.function.Supplier;
import millrace.api.Row;
import millrace.runtime.Signatures.Signature;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.teavm.interop.Function;

/** The world `aggregate-function`: an accumulator per group. */
public final class AggregateWorld {
    private static Supplier<Calls> maker;
    private static Calls calls;
    private static UserDefinedFunction function;
    private static int signature;
    private static InputRow input;
    private static Output output;
    /** By group; null is an empty one. */
    private static Object[] accumulators = new Object[16];

    private AggregateWorld() {}

    /** What the entry class says of the tenant's function. */
    public abstract static class Calls {
        /** The function. */
        public abstract UserDefinedFunction function();

        /** Its signatures. */
        public abstract String signatures();

        /** A new accumulator. */
        public abstract Object create();

        /** Adds a row. */
        public abstract void accumulate(int signature, Object accumulator, Row in) throws Exception;

        /** Takes a row back. */
        public abstract void retract(int signature, Object accumulator, Row in) throws Exception;

        /** Adds another accumulator. */
        public abstract void merge(Object accumulator, Object other) throws Exception;

        /** Sets the result. */
        public abstract void value(int signature, Object accumulator, Row out) throws Exception;

        /** Writes an accumulator. */
        public abstract void write(Object accumulator, StateWriter to);

        /** Reads one. */
        public abstract Object read(StateReader from);
    }

    /** Sets what makes the calls; called by the entry class when the instance starts. */
    public static void install(Supplier<Calls> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call0.class, AggregateWorld.class, "signatures"));
        Exports.export(1, Function.get(Exports.Call2.class, AggregateWorld.class, "open"));
        Exports.export(2, Function.get(Exports.Call11.class, AggregateWorld.class, "update"));
        Exports.export(3, Function.get(Exports.Call2.class, AggregateWorld.class, "values"));
        Exports.export(4, Function.get(Exports.Call2.class, AggregateWorld.class, "exportStates"));
        Exports.export(5, Function.get(Exports.Call6.class, AggregateWorld.class, "importStates"));
        Exports.export(6, Function.get(Exports.Call2.class, AggregateWorld.class, "clear"));
    }

    private static void make() {
        calls = maker.get();
        function = calls.function();
    }

    /** `signatures`. */
    public static int signatures() {
        try {
            make();
            return Signatures.answer(Signatures.parse(calls.signatures()), function.isDeterministic(), true);
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
    }

    /** `open`. */
    public static int open(int chosen, int arguments) {
        try {
            make();
            List<Signature> signatures = Signatures.parse(calls.signatures());
            Signature opened = signatures.get(chosen);
            signature = chosen;
            Column[] columns = opened.arguments(arguments);
            input = new InputRow(columns, new Names(columns));
            output = new Output(opened.result);
            Signatures.open(function);
            return Signatures.done();
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
    }

    private static Object of(int group) {
        if (group >= accumulators.length) {
            Object[] larger = new Object[Math.max(group + 1, accumulators.length * 2)];
            System.arraycopy(accumulators, 0, larger, 0, accumulators.length);
            accumulators = larger;
        }
        Object accumulator = accumulators[group];
        if (accumulator == null) {
            accumulator = calls.create();
            accumulators[group] = accumulator;
        }
        return accumulator;
    }

    /** `update`: groups, which rows are taken back, the record `batch`; flattened. */
    public static int update(
        int groups, int groupsLength, int hasRetract, int retract, int retractLength, int rows, int hasKinds, int kinds,
        int kindsLength, int columns, int columnCount) {
        try {
            input.bind(columns);
            updateAll(groups, hasRetract == 0 ? 0 : retract, rows);
            return Signatures.done();
        } catch (Throwable thrown) {
            return Signatures.fault(thrown, input.row);
        }
    }

    private static void updateAll(int groups, int retract, int rows) throws Exception {
        while (input.row < rows) {
            int row = input.row;
            Object accumulator = of(Memory.readInt(groups + (row << 2)));
            if (retract != 0 && (Memory.readByte(retract + (row >> 3)) >> (row & 7) & 1) != 0) {
                calls.retract(signature, accumulator, input);
            } else {
                calls.accumulate(signature, accumulator, input);
            }
            input.row++;
        }
    }

    /** `values`. */
    public static int values(int groups, int count) {
        try {
            output.start(count);
            for (int i = 0; i < count; i++) {
                calls.value(signature, of(Memory.readInt(groups + (i << 2))), output.row());
                output.advance();
            }
            int result = Memory.allocate(4, 28);
            Memory.writeByte(result, 0);
            output.write(result + 4);
            return result;
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
    }

    /** `export-states`. */
    public static int exportStates(int groups, int count) {
        try {
            int offsets = Memory.allocate(4, (count + 1) << 2);
            Memory.writeInt(offsets, 0);
            StateWriter writer = new StateWriter();
            for (int i = 0; i < count; i++) {
                calls.write(of(Memory.readInt(groups + (i << 2))), writer);
                Memory.writeInt(offsets + ((i + 1) << 2), writer.length());
            }
            Memory.Text data = Memory.text(writer.bytes());
            int result = Memory.allocate(4, 20);
            Memory.writeByte(result, 0);
            Memory.writeInt(result + 4, offsets);
            Memory.writeInt(result + 8, count + 1);
            data.writeTo(result + 12);
            return result;
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
    }

    /** `import-states`: groups, offsets and data of the states; flattened. */
    public static int importStates(int groups, int count, int offsets, int offsetCount, int data, int length) {
        try {
            for (int i = 0; i < count; i++) {
                int group = Memory.readInt(groups + (i << 2));
                int from = Memory.readInt(offsets + (i << 2));
                int end = Memory.readInt(offsets + (i << 2) + 4);
                Object read = calls.read(new StateReader(Memory.bytes(data + from, end - from)));
                boolean empty = group >= accumulators.length || accumulators[group] == null;
                Object accumulator = of(group);
                if (empty) {
                    accumulators[group] = read;
                } else {
                    calls.merge(accumulator, read);
                }
            }
            return Signatures.done();
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
    }

    /** `clear`. */
    public static int clear(int groups, int count) {
        for (int i = 0; i < count; i++) {
            int group = Memory.readInt(groups + (i << 2));
            if (group < accumulators.length) {
                accumulators[group] = null;
            }
        }
        return Signatures.done();
    }
}
