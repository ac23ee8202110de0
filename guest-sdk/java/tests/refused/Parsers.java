// expect 16 refused.Parsers.ETL: javax.xml.parsers.DocumentBuilderFactory
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Parsers extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", javax.xml.parsers.DocumentBuilderFactory.newInstance().toString()));
    }
}
