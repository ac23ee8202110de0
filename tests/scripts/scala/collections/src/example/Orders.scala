package example

import millrace.api._

/** How often each letter is in the item, as one text. */
class Orders extends ETLFunction {
  override def tableSchema(): String =
    """{"type": "object", "properties": {"id": {"type": "integer"}, "letters": {"type": "string"}}}"""

  override def ETL(order: Row, out: Collector[Row]): Unit = {
    val letters = order.getString("item").groupBy(identity).view.mapValues(_.length).toSeq.sorted
    out.collect(out.row().set("id", order.getLong("id")).set("letters", letters.map { case (c, n) => s"$c$n" }.mkString(" ")))
  }
}
