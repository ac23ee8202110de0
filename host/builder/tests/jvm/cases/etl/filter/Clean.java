package acme.etl;

import millrace.api.*;

/** Drops small amounts, scales the others, and writes names in capitals. */
public class Clean extends ETLFunction {
    private double factor;

    @Override
    public void open() {
        factor = params.getDouble("factor", 1.1);
        logger.info("open {}", factor);
    }

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["id", "amount"], "properties": {
              "id": {"type": "integer"}, "name": {"type": "string"}, "amount": {"type": "number"}}}""";
    }

    @Override
    public void ETL(Row in, Collector<Row> out) {
        double amount = in.getDouble("amount");
        if (amount < 50) {
            return;
        }
        Row row = out.row();
        row.setLong("id", in.getLong("id"));
        row.set("name", in.getString("name").toUpperCase());
        row.setDouble("amount", amount * factor);
        out.collect(row);
    }
}
