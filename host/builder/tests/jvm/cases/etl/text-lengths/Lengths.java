import millrace.api.*;

/** Text of every length around the eight characters that are converted at once, with a character beyond ASCII in it. */
public class Lengths extends ETLFunction {
    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["id"], "properties": {
              "id": {"type": "integer"}, "upper": {"type": "string"}, "lower": {"type": "string"}}}""";
    }

    @Override
    public void ETL(Row in, Collector<Row> out) {
        String name = in.getString("name");
        Row row = out.row();
        row.setLong("id", name.length());
        row.set("upper", name.toUpperCase());
        row.set("lower", name.toLowerCase());
        out.collect(row);
    }
}
