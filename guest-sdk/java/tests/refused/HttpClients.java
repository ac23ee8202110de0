// expect 16 refused.HttpClients.ETL: java.net.http.HttpClient
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class HttpClients extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        java.net.http.HttpClient client = java.net.http.HttpClient.newHttpClient();
        out.collect(Row.of("x", client.toString()));
    }
}
