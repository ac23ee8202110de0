// expect 16 refused.FilesListed.ETL: java.io.File.list
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class FilesListed extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", String.valueOf(new java.io.File("/").list().length)));
    }
}
