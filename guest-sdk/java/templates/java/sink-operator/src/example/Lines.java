package example;

import java.nio.charset.StandardCharsets;
import java.util.List;
import millrace.api.*;

/** Writes the column `line` to files of the granted folder `out`, one per checkpoint: seen once the checkpoint is durable. */
public class Lines extends SinkOperator {
    private final StringBuilder lines = new StringBuilder();
    private String prefix;

    @Override
    public void open(List<String> inputColumns, Place place, List<byte[]> restored) {
        prefix = "part-" + place.subtask();
        for (byte[] prepared : restored) {
            publish(new String(prepared, StandardCharsets.UTF_8));
        }
    }

    @Override
    public void write(Row row) {
        lines.append(row.getString("line")).append('\n');
    }

    /** What is written before the barrier lies on the disk under a name that nobody reads; the name lies in the checkpoint. */
    @Override
    public byte[] prepare(long checkpoint) {
        if (lines.length() == 0) {
            return new byte[0];
        }
        String name = prefix + "-" + checkpoint;
        context.capabilities().write("out", name + ".pending", lines.toString().getBytes(StandardCharsets.UTF_8));
        lines.setLength(0);
        return name.getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public void commit(long checkpoint) {
        for (Capabilities.Entry entry : context.capabilities().list("out", "")) {
            int end = entry.name().indexOf(".pending");
            boolean own = entry.name().startsWith(prefix + "-") && end > 0;
            if (own && Long.parseLong(entry.name().substring(prefix.length() + 1, end)) <= checkpoint) {
                publish(entry.name().substring(0, end));
            }
        }
    }

    /** It is not there any more if that was done before a failure. */
    private void publish(String name) {
        for (Capabilities.Entry entry : context.capabilities().list("out", "")) {
            if (entry.name().equals(name + ".pending")) {
                context.capabilities().rename("out", entry.name(), name + ".txt");
            }
        }
    }
}
