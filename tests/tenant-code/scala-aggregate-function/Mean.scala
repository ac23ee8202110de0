package acme

import org.apache.flink.table.functions.AggregateFunction

class Sum {
  var total: Double = 0
  var count: Long = 0
}

/** The mean, with rows that are taken back. */
class Mean extends AggregateFunction[java.lang.Double, Sum] {
  override def createAccumulator(): Sum = new Sum

  override def getValue(sum: Sum): java.lang.Double = if (sum.count == 0) null else sum.total / sum.count

  def accumulate(sum: Sum, value: java.lang.Double): Unit = add(sum, value, 1)

  def retract(sum: Sum, value: java.lang.Double): Unit = add(sum, value, -1)

  private def add(sum: Sum, value: java.lang.Double, times: Int): Unit = Option(value).foreach { number =>
    sum.total += times * number
    sum.count += times
  }
}
