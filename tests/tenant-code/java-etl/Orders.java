package acme;

import java.util.List;
import millrace.api.*;

/** Orders of at least 50, twice as dear, with the name in capitals. */
public class Orders extends ETLFunction {
    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["id"], "properties": {
              "id": {"type": "integer"}, "usr": {"type": "string"}, "amount": {"type": "number"}}}""";
    }

    @Override
    public List<Row> ETL(Row order) {
        if (order.isNull("amount")) {
            return List.of();
        }
        double amount = order.getDouble("amount");
        if (amount < 0) {
            throw new IllegalArgumentException("order " + order.getLong("id") + " has the negative amount " + amount);
        }
        if (amount < 50) {
            return null;
        }
        return List.of(Row.of("id", order.getLong("id"), "usr", order.getString("usr").toUpperCase(), "amount", amount * 2));
    }
}
