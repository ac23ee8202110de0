import java.util.{Collections, List => JavaList}
import millrace.api._

class Hostile extends ETLFunction {
  override def tableSchema(): String = acme.Evil.read()
  override def ETL(row: Row): JavaList[Row] = Collections.singletonList(row)
}
