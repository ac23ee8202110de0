package millrace.runtime;

import java.util.List;
import java.util.function.Supplier;
import millrace.api.Row;
import millrace.runtime.Signatures.Signature;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.util.Collector;
import org.teavm.interop.Function;

/** The world `table-function`. */
public final class TableWorld {
    private static Supplier<Calls> maker;
    private static Calls calls;
    private static TableFunction<Object> function;
    private static int signature;
    private static InputRow input;
    private static Output output;
    /** Address of the input rows of the answered rows, and room for so many. */
    private static int inputRows;
    private static int capacity;

    private TableWorld() {}

    /** What the entry class says of the tenant's function. */
    public abstract static class Calls {
        /** The function. */
        public abstract TableFunction<?> function();

        /** Its signatures. */
        public abstract String signatures();

        /** Calls it with the arguments of a row. */
        public abstract void eval(int signature, Row in) throws Exception;

        /** Sets the columns of a row that it gives. */
        public abstract void give(int signature, Object value, Row out);
    }

    /** Takes the rows that the function gives. */
    private static final class Taken implements Collector<Object> {
        @Override
        public void collect(Object value) {
            if (output.rows() == capacity) {
                int larger = Memory.allocate(4, capacity << 3);
                Memory.copy(larger, inputRows, capacity << 2);
                inputRows = larger;
                capacity *= 2;
            }
            Memory.writeInt(inputRows + (output.rows() << 2), input.row);
            calls.give(signature, value, output.row());
            output.advance();
        }

        @Override
        public void close() {}
    }

    /** Sets what makes the calls; called by the entry class when the instance starts. */
    public static void install(Supplier<Calls> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call0.class, TableWorld.class, "signatures"));
        Exports.export(1, Function.get(Exports.Call2.class, TableWorld.class, "open"));
        Exports.export(2, Function.get(Exports.Call6.class, TableWorld.class, "eval"));
    }

    @SuppressWarnings("unchecked")
    private static void make() {
        calls = maker.get();
        function = (TableFunction<Object>) calls.function();
        function.setCollector(new Taken());
    }

    /** `signatures`. */
    public static int signatures() {
        try {
            make();
            return Signatures.answer(Signatures.parse(calls.signatures()), function.isDeterministic(), false);
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

    /** `eval`: the record `batch`, flattened. */
    public static int eval(int rows, int hasKinds, int kinds, int kindsLength, int columns, int columnCount) {
        try {
            input.bind(columns);
            output.start(rows);
            capacity = Math.max(rows, 16);
            inputRows = Memory.allocate(4, capacity << 2);
            evalAll(rows);
            int result = Memory.allocate(4, 36);
            Memory.writeByte(result, 0);
            Memory.writeInt(result + 4, inputRows);
            Memory.writeInt(result + 8, output.rows());
            output.write(result + 12);
            return result;
        } catch (Throwable thrown) {
            return Signatures.fault(thrown, input.row);
        }
    }

    private static void evalAll(int rows) throws Exception {
        while (input.row < rows) {
            calls.eval(signature, input);
            input.row++;
        }
    }
}
