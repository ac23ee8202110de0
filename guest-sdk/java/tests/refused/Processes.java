// expect 16 refused.Processes.ETL: java.lang.ProcessBuilder
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Processes extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        new ProcessBuilder("ls").start();
    }
}
