package millrace.conformance;

import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.types.logical.RowType;

/** The bounded source behind a case table. One reader replays the whole file: it is never checkpointed or restored. */
record CaseSource(CaseScript script, RowType physicalType, List<String> metadata) implements Source<RowData, CaseSource.WholeFile, Integer>, Serializable {
    record WholeFile(String splitId) implements SourceSplit {}

    @Override
    public Boundedness getBoundedness() {
        return Boundedness.BOUNDED;
    }

    @Override
    public SourceReader<RowData, WholeFile> createReader(SourceReaderContext context) {
        return new CaseReader(script, physicalType, metadata);
    }

    @Override
    public SplitEnumerator<WholeFile, Integer> createEnumerator(SplitEnumeratorContext<WholeFile> context) {
        return new Nothing();
    }

    @Override
    public SplitEnumerator<WholeFile, Integer> restoreEnumerator(SplitEnumeratorContext<WholeFile> context, Integer state) {
        return new Nothing();
    }

    @Override
    public SimpleVersionedSerializer<WholeFile> getSplitSerializer() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return 1;
            }

            @Override
            public byte[] serialize(WholeFile split) {
                return split.splitId().getBytes(StandardCharsets.UTF_8);
            }

            @Override
            public WholeFile deserialize(int version, byte[] bytes) {
                return new WholeFile(new String(bytes, StandardCharsets.UTF_8));
            }
        };
    }

    @Override
    public SimpleVersionedSerializer<Integer> getEnumeratorCheckpointSerializer() {
        return new SimpleVersionedSerializer<>() {
            @Override
            public int getVersion() {
                return 1;
            }

            @Override
            public byte[] serialize(Integer state) {
                return new byte[0];
            }

            @Override
            public Integer deserialize(int version, byte[] bytes) {
                return 0;
            }
        };
    }

    /** The reader knows the file by itself: nothing is handed out. */
    private record Nothing() implements SplitEnumerator<WholeFile, Integer> {
        @Override
        public void start() {}

        @Override
        public void handleSplitRequest(int subtask, String host) {}

        @Override
        public void addSplitsBack(List<WholeFile> splits, int subtask) {}

        @Override
        public void addReader(int subtask) {}

        @Override
        public Integer snapshotState(long checkpoint) {
            return 0;
        }

        @Override
        public void close() {}
    }
}
