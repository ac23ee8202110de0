import java.util.{Collections, List => JavaList}
import millrace.api._
import scala.jdk.CollectionConverters._

/** Names of shards, from an HTTP service that answers `GET url?name=shard`. */
class ShardNames extends DimensionUpdater {
  private var url = ""

  override def open(): Unit = url = params.require("url")

  override def key(): String =
    """{"type": "object", "required": ["shard"], "properties": {"shard": {"type": "integer", "format": "int32"}}}"""

  override def tableSchema(): String =
    """{"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}"""

  override def timeToLiveMs(): Long = params.getLong("time_to_live_ms", 60000)

  override def load(keys: JavaList[Row], out: Collector[Row]): Unit =
    for (key <- keys.asScala) {
      val shard = key.getInt("shard")
      val answer = context.capabilities().http("GET", s"$url?name=$shard", Collections.emptyMap(), null, 5000)
      answer.status() match {
        case 200 =>
          val row = out.row()
          row.setInt("shard", shard)
          row.set("name", answer.text().trim)
          out.collect(row)
        case 404 => count("shards_without_a_name", 1)
        case status => throw new IllegalStateException(s"shard $shard: the service answered status $status")
      }
    }
}
