package acme;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.table.annotation.*;
import org.apache.flink.types.Row;
@FunctionHint(output = @DataTypeHint("ROW<word STRING, length INT>"))
public class Words extends TableFunction<Row> {
    public void eval(String text) { if (text == null) return; for (String w : text.split(" ")) collect(Row.of(w, w.length())); }
}
