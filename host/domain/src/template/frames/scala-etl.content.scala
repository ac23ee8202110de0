  override def tableSchema(): String =
    """{"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}"""

  override def ETL(row: Row): JavaList[Row] = {
    val out = new Row()
    out.set("id", row.get("id"))
    out.set("name", row.get("name"))
    JavaList.of(out)
  }