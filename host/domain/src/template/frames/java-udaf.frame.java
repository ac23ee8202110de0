import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.AggregateFunction;
import org.apache.flink.table.functions.FunctionContext;
{{imports}}

public class {{class_name}} extends AggregateFunction<{{result}}, {{class_name}}.Accumulator> {
{{content}}
}
