package millrace.conformance;

import static org.apache.flink.configuration.ConfigOptions.key;

import java.nio.file.Path;
import java.util.Set;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.connector.sink.DynamicTableSink;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.factories.DynamicTableSinkFactory;
import org.apache.flink.table.factories.DynamicTableSourceFactory;
import org.apache.flink.table.factories.FactoryUtil;

/**
 * {@code 'connector' = 'case'}: replays the input file of a conformance case, row by row and always in the same order;
 * without an input it is a table to insert into.
 */
public final class CaseTableFactory implements DynamicTableSourceFactory, DynamicTableSinkFactory {
    static final ConfigOption<String> FOLDER = key("folder").stringType().noDefaultValue();
    static final ConfigOption<String> INPUT = key("input").stringType().noDefaultValue();
    static final ConfigOption<String> OUTPUT = key("output").stringType().noDefaultValue();
    static final ConfigOption<Integer> SPLITS = key("splits").intType().defaultValue(0);
    static final ConfigOption<String> CHANGELOG = key("changelog").stringType().defaultValue("auto");
    static final ConfigOption<Boolean> LOOKUP = key("lookup").booleanType().defaultValue(false);

    @Override
    public String factoryIdentifier() {
        return "case";
    }

    @Override
    public Set<ConfigOption<?>> requiredOptions() {
        return Set.of(FOLDER);
    }

    @Override
    public Set<ConfigOption<?>> optionalOptions() {
        return Set.of(INPUT, OUTPUT, SPLITS, CHANGELOG, LOOKUP);
    }

    @Override
    public DynamicTableSource createDynamicTableSource(Context context) {
        var helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        var options = helper.getOptions();
        if (options.getOptional(INPUT).isEmpty()) {
            throw new ValidationException("A case table that is read needs an input.");
        }
        var file = Path.of(options.get(FOLDER)).resolve(options.get(INPUT)).normalize();
        var script = new CaseScript(file.toString(), options.get(SPLITS), options.get(CHANGELOG));
        var type = context.getPhysicalRowDataType();
        if (options.get(LOOKUP)) {
            return new CaseLookup.Source(script, type, context.getPrimaryKeyIndexes());
        }
        return script.splits() > 0 ? new CaseTableSource.Split(script, type) : new CaseTableSource(script, type);
    }

    @Override
    public DynamicTableSink createDynamicTableSink(Context context) {
        var helper = FactoryUtil.createTableFactoryHelper(this, context);
        helper.validate();
        var options = helper.getOptions();
        return new CaseTableSink(options.get(OUTPUT), options.get(CHANGELOG), context.getPhysicalRowDataType(), context.getPrimaryKeyIndexes());
    }
}
