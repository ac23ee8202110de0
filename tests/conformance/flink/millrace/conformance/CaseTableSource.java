package millrace.conformance;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkGeneratorSupplier;
import org.apache.flink.api.common.eventtime.WatermarkOutput;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.ProviderContext;
import org.apache.flink.table.connector.source.DataStreamScanProvider;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.connector.source.ScanTableSource;
import org.apache.flink.table.connector.source.abilities.SupportsReadingMetadata;
import org.apache.flink.table.connector.source.abilities.SupportsSourceWatermark;
import org.apache.flink.table.connector.source.abilities.SupportsWatermarkPushDown;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/**
 * A case table with one split. Flink puts its watermark assigner behind it, which with an interval of zero moves the
 * watermark after every single row.
 */
class CaseTableSource implements ScanTableSource, SupportsReadingMetadata, SupportsSourceWatermark {
    final CaseScript script;
    final DataType physicalType;
    DataType producedType;
    List<String> metadata = List.of();
    WatermarkStrategy<RowData> watermarks = WatermarkStrategy.noWatermarks();

    CaseTableSource(CaseScript script, DataType physicalType) {
        this.script = script;
        this.physicalType = physicalType;
        this.producedType = physicalType;
    }

    @Override
    public ChangelogMode getChangelogMode() {
        return script.mode();
    }

    @Override
    public ScanRuntimeProvider getScanRuntimeProvider(ScanContext context) {
        var rows = new CaseSource(script, (RowType) physicalType.getLogicalType(), metadata);
        var produced = InternalTypeInfo.<RowData>of(producedType.getLogicalType());
        var strategy = watermarks;
        return new DataStreamScanProvider() {
            @Override
            public DataStream<RowData> produceDataStream(ProviderContext provider, StreamExecutionEnvironment environment) {
                return environment.fromSource(rows, strategy, "case", produced).setParallelism(1);
            }

            @Override
            public boolean isBounded() {
                return true;
            }
        };
    }

    @Override
    public Map<String, DataType> listReadableMetadata() {
        var keys = new LinkedHashMap<String, DataType>();
        keys.put("partition", DataTypes.INT().notNull());
        keys.put("offset", DataTypes.BIGINT().notNull());
        keys.put("timestamp", DataTypes.TIMESTAMP_LTZ(3).notNull());
        return keys;
    }

    @Override
    public void applyReadableMetadata(List<String> keys, DataType type) {
        metadata = List.copyOf(keys);
        producedType = type;
    }

    /** Watermarks come from the {@code $watermark} lines. */
    @Override
    public void applySourceWatermark() {}

    @Override
    public DynamicTableSource copy() {
        return copyTo(new CaseTableSource(script, physicalType));
    }

    <T extends CaseTableSource> T copyTo(T copy) {
        copy.producedType = producedType;
        copy.metadata = metadata;
        copy.watermarks = watermarks;
        return copy;
    }

    @Override
    public String asSummaryString() {
        return "case";
    }

    /** A case table with several splits: a watermark each, which Flink's source operator brings together. */
    static final class Split extends CaseTableSource implements SupportsWatermarkPushDown {
        Split(CaseScript script, DataType physicalType) {
            super(script, physicalType);
        }

        @Override
        public void applyWatermark(WatermarkStrategy<RowData> strategy) {
            watermarks = WatermarkStrategy.forGenerator((WatermarkGeneratorSupplier<RowData>) context -> new AfterEveryRow(strategy.createWatermarkGenerator(context)));
        }

        @Override
        public DynamicTableSource copy() {
            return copyTo(new Split(script, physicalType));
        }
    }

    /** Emits after every row what Flink's generator would emit when its timer fires. */
    private record AfterEveryRow(WatermarkGenerator<RowData> inner) implements WatermarkGenerator<RowData> {
        @Override
        public void onEvent(RowData row, long timestamp, WatermarkOutput output) {
            inner.onEvent(row, timestamp, output);
            inner.onPeriodicEmit(output);
        }

        @Override
        public void onPeriodicEmit(WatermarkOutput output) {}
    }
}
