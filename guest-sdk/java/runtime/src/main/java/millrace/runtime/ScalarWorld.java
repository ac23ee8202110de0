package millrace.runtime;

import java.util.List;
import java.util.function.Supplier;
import millrace.api.Row;
import millrace.runtime.Signatures.Signature;
import org.apache.flink.table.functions.UserDefinedFunction;
import org.teavm.interop.Function;

/** The world `scalar-function`. */
public final class ScalarWorld {
    private static Supplier<Calls> maker;
    private static Calls calls;
    private static UserDefinedFunction function;
    private static int signature;
    private static InputRow input;
    private static Output output;

    private ScalarWorld() {}

    /** What the entry class says of the tenant's function. */
    public abstract static class Calls {
        /** The function. */
        public abstract UserDefinedFunction function();

        /** Its signatures. */
        public abstract String signatures();

        /** Calls it with the arguments of a row and sets the result. */
        public abstract void eval(int signature, Row in, Row out) throws Exception;
    }

    /** Sets what makes the calls; called by the entry class when the instance starts. */
    public static void install(Supplier<Calls> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call0.class, ScalarWorld.class, "signatures"));
        Exports.export(1, Function.get(Exports.Call2.class, ScalarWorld.class, "open"));
        Exports.export(2, Function.get(Exports.Call6.class, ScalarWorld.class, "eval"));
    }

    private static void make() {
        calls = maker.get();
        function = calls.function();
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
            evalAll(rows);
            int result = Memory.allocate(4, 28);
            Memory.writeByte(result, 0);
            output.write(result + 4);
            return result;
        } catch (Throwable thrown) {
            return Signatures.fault(thrown, input.row);
        }
    }

    private static void evalAll(int rows) throws Exception {
        while (input.row < rows) {
            calls.eval(signature, input, output.row());
            output.advance();
            input.row++;
        }
    }
}
