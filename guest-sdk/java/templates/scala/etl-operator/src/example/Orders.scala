package example

import millrace.api._

/** Passes on the orders of at least `amount_min`, with the item in capitals. */
class Orders extends ETLFunction {
  private var amountMin = 0.0

  override def open(): Unit = amountMin = params.getDouble("amount_min", 50)

  /** The output's columns as JSON Schema; what is not required may be null. */
  override def tableSchema(): String =
    """{"type": "object", "required": ["id"], "properties": {
      |  "id": {"type": "integer"}, "item": {"type": "string"}, "amount": {"type": "number"}}}""".stripMargin

  override def ETL(order: Row, out: Collector[Row]): Unit =
    Option.unless(order.isNull("amount"))(order.getDouble("amount")) match {
      case None => count("orders_without_amount", 1)
      // The fault of this record: the node's policy says what becomes of it.
      case Some(amount) if amount < 0 =>
        throw new IllegalArgumentException(s"order ${order.getLong("id")} has the negative amount $amount")
      case Some(amount) if amount >= amountMin =>
        val row = out.row()
        row.setLong("id", order.getLong("id"))
        row.set("item", order.getString("item").toUpperCase)
        row.setDouble("amount", amount)
        out.collect(row)
      case _ =>
    }
}
