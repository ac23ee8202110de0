// expect 16 refused.Futures.ETL: java.util.concurrent.CompletableFuture
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Futures extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", java.util.concurrent.CompletableFuture.supplyAsync(() -> "y").get()));
    }
}
