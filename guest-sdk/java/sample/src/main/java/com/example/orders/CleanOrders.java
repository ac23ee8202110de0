package com.example.orders;

import com.eclipsesource.json.Json;
import com.eclipsesource.json.JsonObject;
import com.eclipsesource.json.JsonValue;
import com.eclipsesource.json.ParseException;
import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;

/**
 * Turns orders with their lines as JSON text into one record per line.
 *
 * <p>Input: {@code id BIGINT, customer STRING, lines STRING}. Parameter {@code amountMin}: cheaper lines are dropped.
 */
public final class CleanOrders extends ETLFunction {
    private double amountMin;
    private int id;
    private int customer;
    private int lines;

    @Override
    public void open() {
        amountMin = params.getDouble("amountMin", 0);
        // Looked up once: by position is cheaper than by name.
        id = inputColumns.indexOf("id");
        customer = inputColumns.indexOf("customer");
        lines = inputColumns.indexOf("lines");
        logger.info("lines below {} are dropped", amountMin);
    }

    @Override
    public String tableSchema() {
        return """
            {
              "type": "object",
              "properties": {
                "id": {"type": "integer"},
                "customer": {"type": "string"},
                "item": {"type": "string"},
                "amount": {"type": "number"}
              }
            }
            """;
    }

    @Override
    public void ETL(Row row, Collector<Row> out) {
        String text = row.getString(lines);
        if (text == null) {
            return;
        }
        for (JsonValue value : parse(text, row.getLong(id)).asArray()) {
            JsonObject line = value.asObject();
            double amount = line.getDouble("price", 0) * line.getInt("quantity", 1);
            if (amount < amountMin) {
                count("lines_dropped", 1);
                continue;
            }
            out.collect(out.row()
                .set("id", row.getLong(id))
                .set("customer", row.getString(customer).trim().toUpperCase())
                .set("item", line.getString("item", null))
                .set("amount", amount));
        }
    }

    /** What is thrown here is the fault of one record: the node's policy says what happens to it. */
    private static JsonValue parse(String text, long id) {
        try {
            return Json.parse(text);
        } catch (ParseException e) {
            throw new IllegalArgumentException("the lines of order " + id + " are no JSON: " + e.getMessage(), e);
        }
    }
}
