package acme

import java.util.{Collections, List => JavaList}
import millrace.api._

sealed trait Size
case object Small extends Size
final case class Large(amount: Double) extends Size

/** Orders of at least 50, twice as dear, with the name in capitals. */
class Orders extends ETLFunction {
  override def tableSchema(): String =
    """{"type": "object", "required": ["id"], "properties": {
      |  "id": {"type": "integer"}, "usr": {"type": "string"}, "amount": {"type": "number"}}}""".stripMargin

  private def size(id: Long, amount: Double): Size = amount match {
    case negative if negative < 0 => throw new IllegalArgumentException(s"order $id has the negative amount $negative")
    case large if large >= 50     => Large(large)
    case _                        => Small
  }

  override def ETL(order: Row): JavaList[Row] = {
    val id = order.getLong("id")
    Option.unless(order.isNull("amount"))(order.getDouble("amount")).map(size(id, _)) match {
      case Some(Large(amount)) =>
        Collections.singletonList(new Row().set("id", id).set("usr", order.getString("usr").toUpperCase).set("amount", amount * 2))
      case _ => Collections.emptyList()
    }
  }
}
