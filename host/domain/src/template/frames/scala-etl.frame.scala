import java.util.{List => JavaList, Map => JavaMap}
import millrace.api.{Collector, ETLFunction, Row}
{{imports}}

class {{class_name}} extends ETLFunction {
{{content}}
}
