import millrace.api.*;

/** Each amount's share of its batch, by whole columns. */
public class Shares extends ColumnETLFunction {
    @Override
    public String tableSchema() {
        return """
            {"type": "object", "required": ["id", "large"], "properties": {
              "id": {"type": "integer"}, "name": {"type": "string"}, "label": {"type": "string"}, "share": {"type": "number"},
              "large": {"type": "boolean"}, "unset": {"type": "integer"}}}""";
    }

    @Override
    public void ETL(Columns in, ColumnOutput out) {
        double[] amounts = in.doubles("amount");
        boolean[] missing = in.nulls("amount");
        String[] names = in.strings("name");
        int[] kept = new int[in.rows()];
        String[] labels = new String[in.rows()];
        boolean[] large = new boolean[in.rows()];
        boolean[] nulls = new boolean[in.rows()];
        double[] shares = new double[in.rows()];
        double total = 0;
        for (double amount : amounts) {
            total += amount;
        }
        int count = 0;
        for (int i = 0; i < amounts.length; i++) {
            if ("bad".equals(names[i])) {
                reject(i, "the name is bad");
                continue;
            }
            shares[count] = amounts[i] / total;
            nulls[count] = missing != null && missing[i];
            large[count] = amounts[i] > 50;
            labels[count] = names[i] == null ? null : names[i] + "!";
            kept[count++] = i;
        }
        out.rows(count);
        out.take("id", "id", kept);
        out.take("name", "name", kept);
        out.set("label", labels);
        out.set("share", shares);
        out.setNulls("share", nulls);
        out.set("large", large);
    }
}
