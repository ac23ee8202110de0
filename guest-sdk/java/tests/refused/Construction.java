// expect 16 refused.Construction.ETL: java.lang.Class.getDeclaredConstructor
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Construction extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", StringBuilder.class.getDeclaredConstructor().newInstance().toString()));
    }
}
