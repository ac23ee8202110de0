import java.util.{Collections, List => JavaList}
import millrace.api._
import scala.jdk.CollectionConverters._
{{imports}}

class {{class_name}} extends ETLFunction {
{{members}}

  override def tableSchema(): String = {
{{tableSchema}}
  }

  override def ETL(row: Row): JavaList[Row] = {
{{ETL}}
  }
}
