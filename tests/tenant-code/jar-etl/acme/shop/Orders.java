package acme.shop;

import millrace.api.*;

/** Orders of at least 50, twice as dear, with the name in capitals; prices by a class of their own. */
public class Orders extends ETLFunction {
    @Override
    public String tableSchema() {
        return "{\"type\":\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":\"integer\"},"
            + "\"usr\":{\"type\":\"string\"},\"amount\":{\"type\":\"number\"}}}";
    }

    @Override
    public void ETL(Row order, Collector<Row> out) {
        if (order.isNull("amount")) {
            return;
        }
        Price price = new Price(order.getLong("id"), order.getDouble("amount"));
        if (price.amount() >= 50) {
            Row row = out.row();
            row.setLong("id", order.getLong("id"));
            row.set("usr", order.getString("usr").toUpperCase());
            row.setDouble("amount", price.doubled());
            out.collect(row);
        }
    }
}
