package millrace.conformance;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.formats.common.TimestampFormat;
import org.apache.flink.formats.json.JsonRowDataDeserializationSchema;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.data.utils.JoinedRowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.types.RowKind;

/** Replays the lines of a case file, one a poll. tests/conformance/README.md says what a line may hold. */
final class CaseReader implements SourceReader<RowData, CaseSource.WholeFile> {
    private static final Map<String, RowKind> KINDS =
            Map.of("+I", RowKind.INSERT, "-U", RowKind.UPDATE_BEFORE, "+U", RowKind.UPDATE_AFTER, "-D", RowKind.DELETE);

    private final CaseScript script;
    private final List<String> metadata;
    private final JsonRowDataDeserializationSchema rows;
    private final ObjectMapper json = new ObjectMapper();
    private final Iterator<String> lines;
    private final long[] offsets;
    private List<SourceOutput<RowData>> outputs;

    CaseReader(CaseScript script, RowType physicalType, List<String> metadata) {
        this.script = script;
        this.metadata = metadata;
        this.rows = new JsonRowDataDeserializationSchema(physicalType, InternalTypeInfo.of(physicalType), false, false, TimestampFormat.SQL);
        this.lines = script.lines().iterator();
        this.offsets = new long[Math.max(1, script.splits())];
    }

    @Override
    public void start() {
        try {
            rows.open(null);
        } catch (Exception e) {
            throw new IllegalStateException("The JSON format cannot be opened.", e);
        }
    }

    @Override
    public InputStatus pollNext(ReaderOutput<RowData> output) throws Exception {
        if (outputs == null) {
            outputs = open(output);
        }
        if (!lines.hasNext()) {
            return InputStatus.END_OF_INPUT;
        }
        var text = lines.next();
        var line = json.readTree(text);
        if (line.has("$pause")) {
            Thread.sleep(line.get("$pause").asLong());
            return InputStatus.MORE_AVAILABLE;
        }
        var split = line.path("$split").asInt(0);
        var target = outputs.get(split);
        if (line.has("$watermark")) {
            target.emitWatermark(new Watermark(line.get("$watermark").asLong()));
        } else if (line.has("$idle")) {
            target.markIdle();
        } else {
            target.collect(row(text, line, split));
        }
        return InputStatus.MORE_AVAILABLE;
    }

    /** All splits exist from the start: one that never says anything holds the watermark back. */
    private List<SourceOutput<RowData>> open(ReaderOutput<RowData> output) {
        if (script.splits() == 0) {
            return List.of(output);
        }
        var all = new ArrayList<SourceOutput<RowData>>();
        for (var split = 0; split < script.splits(); split++) {
            all.add(output.createOutputForSplit(Integer.toString(split)));
        }
        return all;
    }

    private RowData row(String text, JsonNode line, int split) throws Exception {
        var physical = rows.deserialize(text.getBytes(StandardCharsets.UTF_8));
        var kind = KINDS.get(line.path("$op").asText("+I"));
        physical.setRowKind(kind);
        var offset = offsets[split]++;
        if (metadata.isEmpty()) {
            return physical;
        }
        var extra = new GenericRowData(metadata.size());
        for (var i = 0; i < metadata.size(); i++) {
            extra.setField(i, switch (metadata.get(i)) {
                case "partition" -> split;
                case "offset" -> offset;
                default -> TimestampData.fromEpochMillis(line.path("$timestamp").asLong());
            });
        }
        return new JoinedRowData(kind, physical, extra);
    }

    @Override
    public List<CaseSource.WholeFile> snapshotState(long checkpoint) {
        return List.of();
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
        return CompletableFuture.completedFuture(null);
    }

    @Override
    public void addSplits(List<CaseSource.WholeFile> splits) {}

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
}
