package millrace.conformance;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.json.JsonRowDataDeserializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.table.connector.source.LookupTableSource;
import org.apache.flink.table.connector.source.lookup.LookupFunctionProvider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.LookupFunction;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/** Answers look-ups from the whole file: with a primary key from the newest row of each key, else from all rows. */
public final class CaseLookup extends LookupFunction {
    private final CaseScript script;
    private final RowType type;
    private final int[] primaryKey;
    private final int[] keys;
    private transient List<RowData> rows;

    private CaseLookup(CaseScript script, RowType type, int[] primaryKey, int[] keys) {
        this.script = script;
        this.type = type;
        this.primaryKey = primaryKey;
        this.keys = keys;
    }

    @Override
    public void open(FunctionContext context) throws Exception {
        var format = new JsonRowDataDeserializationSchema(type, InternalTypeInfo.of(type), false, false, TimestampFormat.SQL);
        format.open(null);
        var json = new ObjectMapper();
        var newest = new LinkedHashMap<Object, RowData>();
        for (var line : script.lines()) {
            var row = format.deserialize(line.getBytes(StandardCharsets.UTF_8));
            Object key = primaryKey.length == 0 ? newest.size() : values(row, primaryKey);
            if (json.readTree(line).path("$op").asText("+I").equals("-D")) {
                newest.remove(key);
            } else {
                newest.put(key, row);
            }
        }
        rows = List.copyOf(newest.values());
    }

    @Override
    public Collection<RowData> lookup(RowData wanted) {
        var found = new ArrayList<RowData>();
        for (var row : rows) {
            var same = true;
            for (var i = 0; i < keys.length && same; i++) {
                var field = type.getTypeAt(keys[i]);
                var value = RowData.createFieldGetter(field, keys[i]).getFieldOrNull(row);
                same = value != null && Objects.equals(value, RowData.createFieldGetter(field, i).getFieldOrNull(wanted));
            }
            if (same) {
                found.add(row);
            }
        }
        return found;
    }

    private List<Object> values(RowData row, int[] columns) {
        var values = new ArrayList<Object>();
        for (var column : columns) {
            values.add(RowData.createFieldGetter(type.getTypeAt(column), column).getFieldOrNull(row));
        }
        return values;
    }

    /** A case table that can be looked up, and be scanned as any other. */
    static final class Source extends CaseTableSource implements LookupTableSource {
        private final int[] primaryKey;

        Source(CaseScript script, DataType physicalType, int[] primaryKey) {
            super(script, physicalType);
            this.primaryKey = primaryKey;
        }

        @Override
        public LookupRuntimeProvider getLookupRuntimeProvider(LookupContext context) {
            var keys = new int[context.getKeys().length];
            for (var i = 0; i < keys.length; i++) {
                keys[i] = context.getKeys()[i][0];
            }
            return LookupFunctionProvider.of(new CaseLookup(script, (RowType) physicalType.getLogicalType(), primaryKey, keys));
        }

        @Override
        public CaseTableSource copy() {
            return copyTo(new Source(script, physicalType, primaryKey));
        }
    }
}
