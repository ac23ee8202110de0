import org.apache.flink.table.annotation.DataTypeHint
import org.apache.flink.table.functions.{FunctionContext, ScalarFunction}
{{imports}}

class {{class_name}} extends ScalarFunction {
{{content}}
}
