package millrace.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import millrace.api.DimensionUpdater;
import millrace.api.Row;
import org.teavm.interop.Function;

/** The world `dimension-updater`. */
public final class DimensionWorld {
    private static Supplier<DimensionUpdater> maker;
    private static DimensionUpdater updater;
    private static Column[] keys;
    private static Names keyNames;
    /** Key columns, then value columns. */
    private static Output output;

    private DimensionWorld() {}

    /** Sets what makes the tenant's updater; called by the entry class when the instance starts. */
    public static void install(Supplier<DimensionUpdater> installed) {
        maker = installed;
        Traps.prepare();
        Exports.export(0, Function.get(Exports.Call0.class, DimensionWorld.class, "open"));
        Exports.export(1, Function.get(Exports.Call3.class, DimensionWorld.class, "loadPage"));
        Exports.export(2, Function.get(Exports.Call6.class, DimensionWorld.class, "load"));
    }

    /** `open`: answers the description. */
    public static int open() {
        try {
            updater = maker.get();
            updater.attach(new HostContext());
            updater.open();
            Column[] values = JsonSchema.columns(updater.tableSchema());
            keys = JsonSchema.columns(updater.key());
            keyNames = new Names(keys);
            Column[] all = new Column[keys.length + values.length];
            System.arraycopy(Schemas.copy(keys), 0, all, 0, keys.length);
            System.arraycopy(values, 0, all, keys.length, values.length);
            output = new Output(all);
            // result<description>: key @8, value @16, time to live @24, whether all can be loaded @32
            int result = Answers.ok(40);
            Schemas.write(keys, result + 8);
            Schemas.write(values, result + 16);
            Memory.writeLong(result + 24, updater.timeToLiveMs());
            Memory.writeByte(result + 32, updater.loadsAll() ? 1 : 0);
            return result;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 8);
        }
    }

    /** `load-page`. */
    public static int loadPage(int hasCursor, int cursor, int length) {
        try {
            output.start(64);
            byte[] next = updater.loadPage(hasCursor == 0 ? null : Memory.bytes(cursor, length), output);
            // result<page>: rows @4, cursor @28 and its value @32
            int result = Answers.ok(40);
            output.write(result + 4);
            Memory.writeByte(result + 28, next == null ? 0 : 1);
            if (next != null) {
                Memory.text(next).writeTo(result + 32);
            }
            return result;
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }

    /** `load`: the record `batch`, flattened. */
    public static int load(int rows, int hasKinds, int kinds, int kindsLength, int columns, int columnCount) {
        try {
            List<Row> wanted = new ArrayList<>(rows);
            InputRow first = new InputRow(keys, keyNames);
            first.bind(columns);
            for (int i = 0; i < rows; i++) {
                InputRow row = i == 0 ? first : new InputRow(keys, keyNames);
                row.cells = first.cells;
                row.row = i;
                wanted.add(row);
            }
            output.start(rows);
            updater.load(wanted, output);
            return Answers.batch(output);
        } catch (Throwable thrown) {
            return Answers.fault(thrown, 4);
        }
    }
}
