package example;

import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

/** Passes on the orders of at least {@code amount_min}, with the item in capitals. */
public class Orders extends ETLFunction {
    private double amountMin;

    @Override
    public void open() {
        amountMin = params.getDouble("amount_min", 50);
    }

    /** The output's columns as JSON Schema; what is not required may be null. */
    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["id"], "properties": {
              "id": {"type": "integer"}, "item": {"type": "string"}, "amount": {"type": "number"}}}""";
    }

    @Override
    public void ETL(Row order, Collector<Row> out) {
        if (order.isNull("amount")) {
            count("orders_without_amount", 1);
            return;
        }
        double amount = order.getDouble("amount");
        if (amount < 0) {
            // The fault of this record: the node's policy says what becomes of it.
            throw new IllegalArgumentException("order " + order.getLong("id") + " has the negative amount " + amount);
        }
        if (amount < amountMin) {
            return;
        }
        Row row = out.row();
        row.setLong("id", order.getLong("id"));
        row.set("item", order.getString("item").toUpperCase());
        row.setDouble("amount", amount);
        out.collect(row);
    }
}
