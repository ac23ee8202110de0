import org.apache.flink.table.annotation.{DataTypeHint, FunctionHint}
import org.apache.flink.table.functions.{FunctionContext, TableFunction}
import org.apache.flink.types.Row
{{imports}}

class {{class_name}} extends TableFunction[{{result}}] {
{{content}}
}
