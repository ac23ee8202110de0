import millrace.api._

/** Rows of at least 50 with the name in upper case. */
class Upper extends ETLFunction {
  private var factor = 0.0

  override def open(): Unit = factor = params.getDouble("factor", 1.1)

  override def tableSchema(): String =
    """{"type": "object", "required": ["id", "name", "amount"], "properties": {
      |  "id": {"type": "integer"}, "name": {"type": "string"}, "amount": {"type": "number"}}}""".stripMargin

  override def ETL(in: Row, out: Collector[Row]): Unit = {
    val amount = in.getDouble("amount")
    if (amount >= 50) {
      val row = out.row()
      row.setLong("id", in.getLong("id"))
      row.set("name", in.getString("name").toUpperCase)
      row.setDouble("amount", amount * factor)
      out.collect(row)
    }
  }
}
