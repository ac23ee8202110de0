import millrace.api.*;

/** Looks the name of each line's shard up in the dimension table `shards`. */
public class NamedLines extends ETLFunction {
    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["line"], "properties": {"line": {"type": "string"}}}""";
    }

    @Override
    public void ETL(Row in, Collector<Row> out) {
        Row shard = dac.getConfigByKey("shards", in.getInt("shard"));
        String name = shard == null ? "nobody" : shard.getString("name");
        Row row = out.row();
        row.set("line", name + ": " + in.getString("line"));
        out.collect(row);
    }
}
