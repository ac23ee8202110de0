import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        new java.net.Socket("127.0.0.1", 80).close();
        return List.of(row);
    }
}
