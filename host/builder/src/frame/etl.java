import java.util.*;
import millrace.api.*;
{{imports:more imports}}

public class Etl extends ETLFunction {
{{members:fields and methods of your own}}

    @Override
    public String tableSchema() {
{{tableSchema:returns the columns of the output as a JSON Schema}}
    }

    @Override
    public List<Row> ETL(Row row) throws Exception {
{{ETL:turns a record into records}}
    }
}
