// expect 16 refused.Hooks.ETL: java.lang.Runtime.addShutdownHook
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Hooks extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        Runtime.getRuntime().addShutdownHook(null);
    }
}
