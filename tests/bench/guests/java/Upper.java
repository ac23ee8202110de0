import millrace.api.*;

/** Rows of at least 50 with the name in upper case. */
public class Upper extends ETLFunction {
    private double factor;

    @Override
    public void open() {
        factor = params.getDouble("factor", 1.1);
    }

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["id", "name", "amount"], "properties": {
              "id": {"type": "integer"}, "name": {"type": "string"}, "amount": {"type": "number"}}}""";
    }

    @Override
    public void ETL(Row in, Collector<Row> out) {
        double amount = in.getDouble("amount");
        if (amount >= 50) {
            Row row = out.row();
            row.setLong("id", in.getLong("id"));
            row.set("name", in.getString("name").toUpperCase());
            row.setDouble("amount", amount * factor);
            out.collect(row);
        }
    }
}
