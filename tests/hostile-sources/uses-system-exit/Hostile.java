import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        System.exit(0);
        return List.of(row);
    }
}
