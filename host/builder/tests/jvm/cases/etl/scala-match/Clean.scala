package acme

import millrace.api._

case class Order(id: Long, name: String, amount: Double)

/** Drops small amounts, scales the others. */
class Clean extends ETLFunction {
  private var factor = 1.0

  override def open(): Unit = factor = params.getDouble("factor", 1.1)

  override def tableSchema(): String =
    """{"type": "object", "properties": {
      "id": {"type": "integer"}, "name": {"type": "string"}, "amount": {"type": "number"}}}"""

  override def ETL(in: Row, out: Collector[Row]): Unit =
    Order(in.getLong("id"), in.getString("name"), in.getDouble("amount")) match {
      case Order(_, _, amount) if amount < 50 =>
      case Order(id, name, amount) =>
        val row = out.row()
        row.setLong("id", id)
        row.set("name", s"${name.toUpperCase}-${List(1, 2, 3).map(_ * 2).sum}")
        row.setDouble("amount", amount * factor)
        out.collect(row)
    }
}
