import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import millrace.api.*;

/**
 * Reads lines page by page from an HTTP service with a number of shards, each a growing list of lines: {@code GET
 * url?shard=k&from=n&limit=m} answers lines of shard k from number n on. A position is the next line of each shard.
 */
public class HttpPages extends SourceOperator {
    private static final int POSITION_BYTES = 12;

    private final TreeMap<Integer, Long> next = new TreeMap<>();
    private String url;
    private int pageRows;
    private int waitMs;
    /** The shard that was asked last. */
    private int last = -1;
    /** Shards in a row that had nothing. */
    private int empty;

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["shard", "number", "line"], "properties": {
              "shard": {"type": "integer", "format": "int32"}, "number": {"type": "integer"}, "line": {"type": "string"}}}""";
    }

    @Override
    public void open(Place place, List<byte[]> restored) {
        url = params.require("url");
        pageRows = (int) params.getLong("page_rows", 1000);
        waitMs = (int) params.getLong("wait_ms", 100);
        long shards = params.getLong("shards", 1);
        for (int shard = 0; shard < shards; shard++) {
            if (place.owns(shard)) {
                next.put(shard, 0L);
            }
        }
        for (byte[] position : restored) {
            ByteBuffer read = ByteBuffer.wrap(position);
            while (read.remaining() >= POSITION_BYTES) {
                int shard = read.getInt();
                long from = read.getLong();
                next.computeIfPresent(shard, (unused, first) -> from);
            }
        }
    }

    @Override
    public Next poll(int rowsMax, Collector<Row> out) {
        if (next.isEmpty()) {
            return Next.waiting(60_000);
        }
        Integer shard = next.higherKey(last);
        last = shard == null ? next.firstKey() : shard;
        long from = next.get(last);
        int limit = Math.min(pageRows, rowsMax);
        String page = url + "?shard=" + last + "&from=" + from + "&limit=" + limit;
        Capabilities.HttpResponse answer = context.capabilities().http("GET", page, Map.of(), null, 5_000);
        if (answer.status() != 200) {
            throw new IllegalStateException("the service answered status " + answer.status());
        }
        String text = answer.text();
        long number = from;
        for (int start = 0, end; (end = text.indexOf('\n', start)) >= 0; start = end + 1) {
            Row row = out.row();
            row.setInt("shard", last).setLong("number", number++).set("line", text.substring(start, end));
            out.collect(row);
        }
        empty = number == from ? empty + 1 : 0;
        next.put(last, number);
        return empty >= next.size() ? Next.waiting(waitMs) : Next.READY;
    }

    @Override
    public byte[] position() {
        ByteBuffer written = ByteBuffer.allocate(next.size() * POSITION_BYTES);
        next.forEach((shard, number) -> written.putInt(shard).putLong(number));
        return written.array();
    }
}
