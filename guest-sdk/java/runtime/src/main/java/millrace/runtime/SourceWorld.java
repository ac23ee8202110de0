package millrace.runtime;

import java.util.function.Supplier;
import millrace.api.Place;
import millrace.api.SourceOperator;
import org.teavm.interop.Function;

/** The world `source-operator`. */
public final class SourceWorld {
    /** Cases of the variant `next`. */
    private static final int READY = 0;
    private static final int WAIT = 1;
    private static final int FINISHED = 2;

    private static Supplier<SourceOperator> maker;
    private static SourceOperator source;
    private static Output output;

    private SourceWorld() {}

    /** Sets what makes the tenant's source; called by the entry class when the instance starts. */
    public static void install(Supplier<SourceOperator> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call0.class, SourceWorld.class, "describe"));
        Exports.export(1, Function.get(Exports.Call4.class, SourceWorld.class, "open"));
        Exports.export(2, Function.get(Exports.Call1.class, SourceWorld.class, "poll"));
        Exports.export(3, Function.get(Exports.Call0.class, SourceWorld.class, "position"));
        Exports.export(4, Function.get(Exports.CallLong.class, SourceWorld.class, "committed"));
    }

    /** The source and its columns: what comes first makes them. */
    private static void make() {
        if (source == null) {
            source = maker.get();
            source.attach(new HostContext());
            output = new Output(JsonSchema.columns(source.tableSchema()));
        }
    }

    /** `describe`. */
    public static int describe() {
        try {
            make();
            int result = Answers.done();
            Schemas.write(output.columns, result + 4);
            return result;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `open`: the place, and positions of an earlier run. */
    public static int open(int subtask, int parallelism, int restored, int count) {
        try {
            make();
            source.open(new Place(subtask, parallelism), Answers.lists(restored, count));
            return Answers.done();
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `poll`. */
    public static int poll(int rowsMax) {
        try {
            output.start(Math.min(rowsMax, 1024));
            SourceOperator.Next next = source.poll(rowsMax, output);
            // result<polled>: rows @8 and their batch @12, watermark @40 and its value @48, next @56 and its value @60
            int result = Answers.ok(64);
            Memory.writeByte(result + 8, output.rows() == 0 ? 0 : 1);
            if (output.rows() > 0) {
                output.write(result + 12);
            }
            Long watermarkMs = next.watermarkMs();
            Memory.writeByte(result + 40, watermarkMs == null ? 0 : 1);
            if (watermarkMs != null) {
                Memory.writeLong(result + 48, watermarkMs);
            }
            Memory.writeByte(result + 56, next.finished() ? FINISHED : next.waitMs() > 0 ? WAIT : READY);
            Memory.writeInt(result + 60, next.waitMs());
            return result;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 8);
        }
    }

    /** `position`. */
    public static int position() {
        try {
            return Answers.bytes(source.position());
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `committed`. */
    public static int committed(long checkpoint) {
        try {
            source.committed(checkpoint);
            return Answers.done();
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }
}
