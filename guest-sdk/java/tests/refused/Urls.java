// expect 16 refused.Urls.ETL: java.net
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Urls extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", String.valueOf(new java.net.URL("http://example.org").openConnection(java.net.Proxy.NO_PROXY))));
    }
}
