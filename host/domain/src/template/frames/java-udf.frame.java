import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;
{{imports}}

public class {{class_name}} extends ScalarFunction {
{{content}}
}
