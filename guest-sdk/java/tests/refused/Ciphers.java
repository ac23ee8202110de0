// expect 16 refused.Ciphers.ETL: javax.crypto.Cipher
package refused;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

public final class Ciphers extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\": \"object\", \"properties\": {\"x\": {\"type\": \"string\"}}}";
    }

    @Override
    public void ETL(Row row, Collector<Row> out) throws Exception {
        out.collect(Row.of("x", javax.crypto.Cipher.getInstance("AES").getAlgorithm()));
    }
}
