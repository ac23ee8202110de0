import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        Runtime.getRuntime().exec("/bin/true");
        return List.of(row);
    }
}
