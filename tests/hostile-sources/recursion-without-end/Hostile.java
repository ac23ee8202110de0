import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    int ETL(Row row, int depth) {
        return ETL(row, depth + 1) + depth;
    }

    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        return ETL(row, 0) > 0 ? List.of(row) : null;
    }
}
