import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import millrace.api.*;

/** Running totals by user: an operator with state of its own. */
public class Totals extends TableOperateProcessor {
    private final Map<String, Long> totals = new HashMap<>();

    @Override
    public void innerBuild() {
        if (children.size() != 1 || !children.get(0).contains("\"amount\": {\"type\": \"integer\"}")) {
            throw new IllegalStateException("expected one input with an amount, found " + children);
        }
        for (String start : configs.get("start", "").split(",")) {
            if (!start.isEmpty()) {
                totals.put(start, 1000L);
            }
        }
    }

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["usr"], "properties": {"usr": {"type": "string"}, "total": {"type": "integer"}}}""";
    }

    @Override
    public void process(int input, Row row, Collector<Row> out) {
        String user = row.getString("usr");
        if (row.isNull("amount")) {
            throw new IllegalArgumentException("order " + row.getLong("id") + " has no amount");
        }
        long total = totals.merge(user, row.getLong("amount"), Long::sum);
        Row answer = out.row();
        answer.set("usr", user).setLong("total", total);
        out.collect(answer);
    }

    @Override
    public byte[] snapshot() {
        StringBuilder lines = new StringBuilder();
        totals.forEach((user, total) -> lines.append(user).append('=').append(total).append('\n'));
        return lines.toString().getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void restore(List<byte[]> states) {
        totals.clear();
        for (byte[] state : states) {
            for (String line : new String(state, StandardCharsets.UTF_8).split("\n")) {
                int equals = line.lastIndexOf('=');
                if (equals > 0) {
                    totals.put(line.substring(0, equals), Long.parseLong(line.substring(equals + 1)));
                }
            }
        }
    }
}
