import java.util.{Collections, List => JavaList}
import millrace.api._
import scala.jdk.CollectionConverters._
{{imports:more imports}}

class Etl extends ETLFunction {
{{members:fields and methods of your own}}

  override def tableSchema(): String = {
{{tableSchema:the columns of the output as a JSON Schema}}
  }

  override def ETL(row: Row): JavaList[Row] = {
{{ETL:turns a record into records}}
  }
}
