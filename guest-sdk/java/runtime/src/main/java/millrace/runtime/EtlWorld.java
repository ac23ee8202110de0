package millrace.runtime;

import java.util.function.Supplier;
import millrace.api.ColumnETLFunction;
import millrace.api.ETLFunction;
import org.teavm.interop.Function;

/** The world `etl-operator`. */
public final class EtlWorld {
    private static Supplier<ETLFunction> maker;
    private static ETLFunction function;
    private static InputRow input;
    private static Output output;
    /** The function, if it takes batches. */
    private static ColumnETLFunction byColumns;
    private static InputColumns inputColumns;
    private static OutputColumns outputColumns;
    /** Rows of the answer that stand whatever becomes of the current row. */
    private static int complete;

    private EtlWorld() {}

    /** Sets what makes the tenant's function; called by the entry class when the instance starts. */
    public static void install(Supplier<ETLFunction> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call2.class, EtlWorld.class, "open"));
        Exports.export(1, Function.get(Exports.Call6.class, EtlWorld.class, "process"));
    }

    /** `open`: answers the output schema. */
    public static int open(int fields, int count) {
        try {
            Column[] columns = Schemas.read(fields, count);
            input = new InputRow(columns, new Names(columns));
            HostContext context = new HostContext();
            function = maker.get();
            function.attach(context, input.names);
            function.open();
            String declared = function.tableSchema();
            output = new Output(declared == null ? Schemas.copy(columns) : JsonSchema.columns(declared));
            if (function instanceof ColumnETLFunction) {
                byColumns = (ColumnETLFunction) function;
                inputColumns = new InputColumns(input);
                outputColumns = new OutputColumns(output, inputColumns);
            }
            int result = Memory.allocate(4, 20);
            Memory.writeByte(result, 0);
            Schemas.write(output.columns, result + 4);
            return result;
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
    }

    /** `process`: the record `batch`, flattened. */
    public static int process(int rows, int hasKinds, int kinds, int kindsLength, int columns, int columnCount) {
        try {
            input.bind(columns);
            input.kinds = hasKinds == 0 ? 0 : kinds;
            output.start(rows);
        } catch (Throwable thrown) {
            return Faults.answer(thrown);
        }
        if (byColumns != null) {
            return processColumns(rows);
        }
        while (input.row < rows) {
            // One handler for many rows: an exception costs, a row without one does not.
            try {
                processFrom(function, input, output, rows);
            } catch (Throwable thrown) {
                output.truncate(complete);
                String message = Faults.text(thrown);
                Memory.Text text = Memory.text(message);
                if (Host.rejectRow(input.row, text.at, text.length) == 0) {
                    return fault(message, input.row);
                }
                input.row++;
            }
        }
        int result = Memory.allocate(4, 28);
        Memory.writeByte(result, 0);
        output.write(result + 4);
        return result;
    }

    private static int processColumns(int rows) {
        try {
            inputColumns.start(rows);
            outputColumns.start();
            byColumns.ETL(inputColumns, outputColumns);
            outputColumns.end();
            return Answers.batch(output);
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    private static void processFrom(ETLFunction function, InputRow input, Output output, int rows) throws Exception {
        while (input.row < rows) {
            complete = output.rows();
            function.ETL(input, output);
            input.row++;
        }
    }

    private static int fault(String message, int row) {
        int result = Memory.allocate(4, 28);
        Memory.writeByte(result, 1);
        Faults.write(result + 4, message, row);
        return result;
    }
}
