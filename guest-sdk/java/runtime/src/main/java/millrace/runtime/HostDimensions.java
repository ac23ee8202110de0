package millrace.runtime;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import millrace.api.Dimensions;
import millrace.api.Row;
import millrace.runtime.Memory.Text;

/** Dimension tables of the job, over the host's functions. */
final class HostDimensions extends Dimensions {
    private final Map<String, Table> tables = new HashMap<>();

    /** Columns of a table: asked once. */
    private static final class Table {
        final Output keys;
        final Column[] values;
        final Names names;

        Table(Column[] keys, Column[] values) {
            this.keys = new Output(keys);
            this.values = values;
            this.names = new Names(values);
        }
    }

    @Override
    protected List<Row> lookup(String name, List<Object[]> keys) {
        String known = name == null ? "" : name;
        Text text = Memory.text(known);
        Table table = tables.get(known);
        if (table == null) {
            table = describe(known, text);
            tables.put(known, table);
        }
        writeKeys(known, table, keys);
        int batch = Memory.allocate(4, 24);
        table.keys.write(batch);
        int ret = Memory.allocate(4, 28);
        Host.dimensionLookup(
            text.at, text.length, Memory.readInt(batch), 0, 0, 0, Memory.readInt(batch + 16), Memory.readInt(batch + 20), ret);
        if (Memory.readByte(ret) != 0) {
            throw new IllegalStateException("dimension table `" + known + "`: " + Memory.stringAt(ret + 4));
        }
        Schemas.bind(table.values, Memory.readInt(ret + 4 + 16));
        return rows(table, Memory.readInt(ret + 4));
    }

    private static Table describe(String name, Text text) {
        int ret = Memory.allocate(4, 20);
        Host.dimensionSchema(text.at, text.length, ret);
        if (Memory.readByte(ret) != 0) {
            throw new IllegalStateException("dimension table `" + name + "`: " + Memory.stringAt(ret + 4));
        }
        Column[] keys = Schemas.read(Memory.readInt(ret + 4), Memory.readInt(ret + 8));
        return new Table(keys, Schemas.read(Memory.readInt(ret + 12), Memory.readInt(ret + 16)));
    }

    private static void writeKeys(String name, Table table, List<Object[]> keys) {
        table.keys.start(keys.size());
        for (Object[] key : keys) {
            if (key.length != table.keys.columns.length) {
                throw new IllegalArgumentException(
                    "dimension table `" + name + "` has " + table.keys.columns.length + " key columns, found " + key.length);
            }
            Row row = table.keys.row();
            for (int i = 0; i < key.length; i++) {
                row.set(i, key[i]);
            }
            table.keys.advance();
        }
    }

    /** Rows that outlive the call: what was looked up is often kept. */
    private static List<Row> rows(Table table, int count) {
        List<Row> rows = new ArrayList<>(count);
        InputRow cursor = new InputRow(table.values, table.names);
        for (int i = 0; i < count; i++) {
            cursor.row = i;
            boolean found = false;
            for (Column column : table.values) {
                found |= !column.isNull(i);
            }
            rows.add(found ? cursor.copy() : null);
        }
        return rows;
    }
}
