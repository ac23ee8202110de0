// expect 16 refused.Proxies.ETL: java.lang.invoke.MethodHandles.lookup
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Proxies extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        java.lang.invoke.MethodHandles.Lookup lookup = java.lang.invoke.MethodHandles.lookup();
        out.collect(Row.of("x", lookup.toString()));
    }
}
