import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    static {
        try {
            java.nio.file.Files.writeString(java.nio.file.Path.of("CANARY/static"), "ran");
        } catch (java.io.IOException e) {
            throw new RuntimeException(e);
        }
    }

    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        return List.of(row);
    }
}
