// expect 16 refused.FilesWritten.ETL: java.io.FileWriter.<init>
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class FilesWritten extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        java.io.FileWriter writer = new java.io.FileWriter("/tmp/x");
        writer.close();
    }
}
