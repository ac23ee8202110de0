package example;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import millrace.api.*;

/** Running totals of `amount` by `item`; spread its rows by `item` with the node's `key_fields`. */
public class Totals extends TableOperateProcessor {
    private final Map<String, Double> totals = new HashMap<>();

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["item"], "properties": {"item": {"type": "string"}, "total": {"type": "number"}}}""";
    }

    @Override
    public void process(int input, Row row, Collector<Row> out) {
        String item = row.getString("item");
        double total = totals.merge(item, row.getDouble("amount"), Double::sum);
        out.collect(out.row().set("item", item).setDouble("total", total));
    }

    @Override
    public byte[] snapshot() {
        StringBuilder lines = new StringBuilder();
        totals.forEach((item, total) -> lines.append(total).append(' ').append(item).append('\n'));
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void restore(List<byte[]> states) {
        for (byte[] state : states) {
            for (String line : new String(state, StandardCharsets.UTF_8).split("\n")) {
                int space = line.indexOf(' ');
                if (space > 0) {
                    totals.put(line.substring(space + 1), Double.parseDouble(line.substring(0, space)));
                }
            }
        }
    }
}
