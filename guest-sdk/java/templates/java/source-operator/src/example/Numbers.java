package example;

import java.nio.ByteBuffer;
import java.util.List;
import millrace.api.*;

/** Counts up to the parameter `count`; subtasks take turns. */
public class Numbers extends SourceOperator {
    private Place place;
    private long count;
    private long next;

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}}""";
    }

    /** After another parallelism there are positions of several subtasks: nothing before the smallest is missing. */
    @Override
    public void open(Place place, List<byte[]> restored) {
        this.place = place;
        count = params.getLong("count", 1000);
        next = Long.MAX_VALUE;
        for (byte[] position : restored) {
            next = Math.min(next, ByteBuffer.wrap(position).getLong());
        }
        next = restored.isEmpty() ? 0 : next;
    }

    @Override
    public Next poll(int rowsMax, Collector<Row> out) {
        for (int rows = 0; rows < rowsMax && next < count; next++) {
            if (place.owns(next)) {
                out.collect(out.row().setLong("number", next));
                rows++;
            }
        }
        return next < count ? Next.READY : Next.FINISHED;
    }

    @Override
    public byte[] position() {
        return ByteBuffer.allocate(Long.BYTES).putLong(next).array();
    }
}
