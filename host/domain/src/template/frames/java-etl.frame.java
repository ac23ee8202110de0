import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import millrace.api.Collector;
import millrace.api.ETLFunction;
import millrace.api.Row;
{{imports}}

public class {{class_name}} extends ETLFunction {
{{content}}
}
