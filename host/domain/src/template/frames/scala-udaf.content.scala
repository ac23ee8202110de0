  override def createAccumulator() = new Accumulator

  override def getValue(accumulator: Accumulator): java.lang.Long = accumulator.sum

  def accumulate(accumulator: Accumulator, value: java.lang.Long): Unit =
    if (value != null) accumulator.sum += value

  def retract(accumulator: Accumulator, value: java.lang.Long): Unit =
    if (value != null) accumulator.sum -= value