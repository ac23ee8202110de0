import org.apache.flink.table.annotation.DataTypeHint
import org.apache.flink.table.functions.{AggregateFunction, FunctionContext}
{{imports}}

object {{class_name}} {
{{accumulator}}
}

class {{class_name}} extends AggregateFunction[{{result}}, {{class_name}}.Accumulator] {
  import {{class_name}}._
{{content}}
}
