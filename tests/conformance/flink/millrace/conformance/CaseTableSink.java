package millrace.conformance;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.format.DateTimeFormatter;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.sink.SinkV2Provider;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;

/**
 * A case table that is written: what it is sent, a line each, in the form of the expected files. With a primary key it
 * takes upserts, whose deletions say no more than the key.
 */
final class CaseTableSink implements DynamicTableSink {
    private final String file;
    private final String changelog;
    private final DataType type;
    private final int[] key;

    CaseTableSink(String file, String changelog, DataType type, int[] key) {
        this.file = file;
        this.changelog = changelog;
        this.type = type;
        this.key = key;
    }

    private boolean takesUpserts() {
        return changelog.equals("upsert") || (changelog.equals("auto") && key.length > 0);
    }

    @Override
    public ChangelogMode getChangelogMode(ChangelogMode requested) {
        if (changelog.equals("insert")) {
            return ChangelogMode.insertOnly();
        }
        return takesUpserts() ? ChangelogMode.upsert() : ChangelogMode.all();
    }

    @Override
    public SinkRuntimeProvider getSinkRuntimeProvider(Context context) {
        return SinkV2Provider.of(new Lines(file, (RowType) type.getLogicalType(), key, takesUpserts()), 1);
    }

    @Override
    public DynamicTableSink copy() {
        return new CaseTableSink(file, changelog, type, key);
    }

    @Override
    public String asSummaryString() {
        return "case";
    }

    private record Lines(String file, RowType type, int[] key, boolean takesUpserts) implements Sink<RowData> {
        @Override
        public SinkWriter<RowData> createWriter(WriterInitContext context) throws IOException {
            var writer = Files.newBufferedWriter(Path.of(file));
            var lines = new LineWriter(this, writer);
            lines.header();
            return lines;
        }

        boolean isKey(int column) {
            for (var of : key) {
                if (of == column) {
                    return true;
                }
            }
            return false;
        }
    }

    private record LineWriter(Lines table, BufferedWriter file) implements SinkWriter<RowData> {
        private static final ObjectMapper JSON = new ObjectMapper();
        private static final DateTimeFormatter MILLIS = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSS");

        void header() throws IOException {
            var header = JSON.createObjectNode();
            var columns = header.putArray("columns");
            for (var field : table.type().getFields()) {
                var summary = field.getType().asSummaryString().replace("VARCHAR(2147483647)", "STRING");
                columns.addObject().put("name", field.getName()).put("type", summary);
            }
            if (table.takesUpserts()) {
                var names = table.type().getFieldNames();
                var key = header.putArray("key");
                for (var column : table.key()) {
                    key.add(names.get(column));
                }
            }
            line(JSON.writeValueAsString(header));
        }

        @Override
        public void write(RowData row, Context context) throws IOException {
            List<LogicalType> types = table.type().getChildren();
            ArrayNode cells = JSON.createArrayNode().add(row.getRowKind().shortString());
            var onlyKey = table.takesUpserts() && row.getRowKind() == RowKind.DELETE;
            for (var column = 0; column < types.size(); column++) {
                var value = RowData.createFieldGetter(types.get(column), column).getFieldOrNull(row);
                cells.add(value == null || (onlyKey && !table.isKey(column)) ? null : text(types.get(column), value));
            }
            line(JSON.writeValueAsString(cells));
        }

        /** As the SQL client shows it. */
        private static String text(LogicalType type, Object value) {
            return switch (type.getTypeRoot()) {
                case BOOLEAN -> value.toString().toUpperCase();
                case TINYINT, SMALLINT, INTEGER, BIGINT, DECIMAL, CHAR, VARCHAR -> value.toString();
                case TIMESTAMP_WITHOUT_TIME_ZONE -> ((TimestampData) value).toLocalDateTime().format(MILLIS);
                default -> throw new UnsupportedOperationException("A case table writes no " + type.asSummaryString());
            };
        }

        private void line(String text) throws IOException {
            file.write(text);
            file.write('\n');
        }

        @Override
        public void flush(boolean endOfInput) throws IOException {
            file.flush();
        }

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
