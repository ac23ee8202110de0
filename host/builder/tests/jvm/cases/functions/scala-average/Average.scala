package acme

import org.apache.flink.table.functions.AggregateFunction

class Sum {
  var total: Double = 0
  var count: Long = 0
}

class Average extends AggregateFunction[java.lang.Double, Sum] {
  override def createAccumulator(): Sum = new Sum

  override def getValue(sum: Sum): java.lang.Double = if (sum.count == 0) null else sum.total / sum.count

  def accumulate(sum: Sum, value: java.lang.Double): Unit = if (value != null) {
    sum.total += value
    sum.count += 1
  }
}
