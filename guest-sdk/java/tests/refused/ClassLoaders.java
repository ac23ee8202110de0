// expect 16 refused.ClassLoaders.ETL: java.net.URLClassLoader
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class ClassLoaders extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", new java.net.URLClassLoader(new java.net.URL[0]).toString()));
    }
}
