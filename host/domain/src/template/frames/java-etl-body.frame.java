import java.util.*;
import millrace.api.*;
{{imports}}

public class {{class_name}} extends ETLFunction {
{{members}}

    @Override
    public String tableSchema() {
{{tableSchema}}
    }

    @Override
    public List<Row> ETL(Row row) throws Exception {
{{ETL}}
    }
}
