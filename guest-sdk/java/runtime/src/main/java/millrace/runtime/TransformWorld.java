package millrace.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import millrace.api.TableOperateProcessor;
import org.teavm.interop.Function;

/** The world `transform-operator`. */
public final class TransformWorld {
    /** Bytes of the record `schema`. */
    private static final int SCHEMA_BYTES = 8;

    private static Supplier<TableOperateProcessor> maker;
    private static TableOperateProcessor operator;
    private static InputRow[] inputs;
    private static Output output;

    private TransformWorld() {}

    /** Sets what makes the tenant's operator; called by the entry class when the instance starts. */
    public static void install(Supplier<TableOperateProcessor> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call2.class, TransformWorld.class, "open"));
        Exports.export(1, Function.get(Exports.Call7.class, TransformWorld.class, "process"));
        Exports.export(2, Function.get(Exports.CallLong.class, TransformWorld.class, "watermark"));
        Exports.export(3, Function.get(Exports.Call0.class, TransformWorld.class, "finish"));
        Exports.export(4, Function.get(Exports.Call0.class, TransformWorld.class, "snapshot"));
        Exports.export(5, Function.get(Exports.Call2.class, TransformWorld.class, "restore"));
    }

    /** `open`: answers the output schema. */
    public static int open(int schemas, int count) {
        try {
            inputs = new InputRow[count];
            List<String> children = new ArrayList<>(count);
            for (int i = 0; i < count; i++) {
                int schema = schemas + i * SCHEMA_BYTES;
                Column[] columns = Schemas.read(Memory.readInt(schema), Memory.readInt(schema + 4));
                inputs[i] = new InputRow(columns, new Names(columns));
                children.add(SchemaText.of(columns));
            }
            operator = maker.get();
            operator.attach(new HostContext(), children);
            operator.innerBuild();
            String declared = operator.tableSchema();
            output = new Output(declared == null ? Schemas.copy(inputs[0].columns) : JsonSchema.columns(declared));
            int result = Answers.done();
            Schemas.write(output.columns, result + 4);
            return result;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `process`: the input's number and the record `batch`, flattened. */
    public static int process(int number, int rows, int hasKinds, int kinds, int kindsLength, int columns, int columnCount) {
        InputRow input;
        try {
            input = inputs[number];
            input.bind(columns);
            input.kinds = hasKinds == 0 ? 0 : kinds;
            output.start(rows);
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
        int fault = EachRow.run(input, rows, output, row -> operator.process(number, row, output));
        return fault != 0 ? fault : Answers.batch(output);
    }

    /** `watermark`. */
    public static int watermark(long watermarkMs) {
        try {
            output.start(0);
            operator.watermark(watermarkMs, output);
            return Answers.batch(output);
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `finish`. */
    public static int finish() {
        try {
            output.start(0);
            operator.finish(output);
            return Answers.batch(output);
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `snapshot`. */
    public static int snapshot() {
        try {
            return Answers.bytes(operator.snapshot());
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `restore`: states of subtasks of an earlier run. */
    public static int restore(int states, int count) {
        try {
            operator.restore(Answers.lists(states, count));
            return Answers.done();
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }
}
