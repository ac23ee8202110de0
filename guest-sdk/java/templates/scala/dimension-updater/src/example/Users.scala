package example

import java.util.{Collections, List => JavaList}
import millrace.api._
import scala.jdk.CollectionConverters._

/** Names of users, from the HTTP service at the parameter `url`, which an administrator grants. */
class Users extends DimensionUpdater {
  override def key(): String =
    """{"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}"""

  override def tableSchema(): String =
    """{"type": "object", "properties": {"name": {"type": "string"}}}"""

  override def timeToLiveMs(): Long = 60000

  override def load(keys: JavaList[Row], out: Collector[Row]): Unit =
    for (key <- keys.asScala) {
      val id = key.getLong("id")
      val answer = context.capabilities().http("GET", s"${params.require("url")}?id=$id", Collections.emptyMap(), null, 5000)
      if (answer.status() == 200) out.collect(out.row().setLong("id", id).set("name", answer.text()))
    }
}
