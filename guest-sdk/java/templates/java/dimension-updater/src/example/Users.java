package example;

import java.util.List;
import java.util.Map;
import millrace.api.*;

/** Names of users, from the HTTP service at the parameter `url`, which an administrator grants. */
public class Users extends DimensionUpdater {
    @Override
    public String key() {
        return """
            {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}""";
    }

    @Override
    public String tableSchema() {
        return """
            {"type": "object", "properties": {"name": {"type": "string"}}}""";
    }

    @Override
    public long timeToLiveMs() {
        return 60_000;
    }

    @Override
    public void load(List<Row> keys, Collector<Row> out) {
        for (Row key : keys) {
            long id = key.getLong("id");
            Capabilities.HttpResponse answer =
                context.capabilities().http("GET", params.require("url") + "?id=" + id, Map.of(), null, 5_000);
            if (answer.status() == 200) {
                out.collect(out.row().setLong("id", id).set("name", answer.text()));
            }
        }
    }
}
