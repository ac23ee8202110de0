package example

import java.nio.charset.StandardCharsets.UTF_8
import java.util.{List => JavaList}
import millrace.api._
import scala.collection.mutable
import scala.jdk.CollectionConverters._

/** Running totals of `amount` by `item`; spread its rows by `item` with the node's `key_fields`. */
class Totals extends TableOperateProcessor {
  private val totals = mutable.HashMap.empty[String, Double]

  override def tableSchema(): String =
    """{"type": "object", "required": ["item"], "properties": {"item": {"type": "string"}, "total": {"type": "number"}}}"""

  override def process(input: Int, row: Row, out: Collector[Row]): Unit = {
    val item = row.getString("item")
    val total = totals.getOrElse(item, 0.0) + row.getDouble("amount")
    totals(item) = total
    out.collect(out.row().set("item", item).setDouble("total", total))
  }

  override def snapshot(): Array[Byte] =
    totals.map { case (item, total) => s"$total $item" }.mkString("\n").getBytes(UTF_8)

  override def restore(states: JavaList[Array[Byte]]): Unit =
    for (state <- states.asScala; line <- new String(state, UTF_8).split('\n') if line.nonEmpty) {
      val space = line.indexOf(' ')
      totals(line.substring(space + 1)) = line.substring(0, space).toDouble
    }
}
