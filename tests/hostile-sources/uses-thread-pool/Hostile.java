import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        java.util.concurrent.Executors.newFixedThreadPool(8).submit(() -> 1).get();
        return List.of(row);
    }
}
