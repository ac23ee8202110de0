// expect 16 refused.FilesRead.ETL: java.nio.file.Files.readString
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class FilesRead extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", java.nio.file.Files.readString(java.nio.file.Path.of("/etc/passwd"))));
    }
}
