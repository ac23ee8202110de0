package example

import org.apache.flink.table.functions.AggregateFunction

/** Public fields and variables are what checkpoints keep. */
class Sum {
  var total: Double = 0
  var weight: Double = 0
}

/** `WEIGHTED_MEAN(value, weight)`; `retract` lets it stand where rows are taken back. */
class WeightedMean extends AggregateFunction[java.lang.Double, Sum] {
  override def createAccumulator(): Sum = new Sum

  override def getValue(sum: Sum): java.lang.Double = if (sum.weight == 0) null else sum.total / sum.weight

  def accumulate(sum: Sum, value: java.lang.Double, weight: java.lang.Double): Unit = add(sum, value, weight, 1)

  def retract(sum: Sum, value: java.lang.Double, weight: java.lang.Double): Unit = add(sum, value, weight, -1)

  private def add(sum: Sum, value: java.lang.Double, weight: java.lang.Double, times: Int): Unit =
    if (value != null && weight != null) {
      sum.total += times * value * weight
      sum.weight += times * weight
    }
}
