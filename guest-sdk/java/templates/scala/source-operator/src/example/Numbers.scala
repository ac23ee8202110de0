package example

import java.nio.ByteBuffer
import java.util.{List => JavaList}
import millrace.api._
import scala.jdk.CollectionConverters._

/** Counts up to the parameter `count`; subtasks take turns. */
class Numbers extends SourceOperator {
  private var place: Place = _
  private var count = 0L
  private var next = 0L

  override def tableSchema(): String =
    """{"type": "object", "required": ["number"], "properties": {"number": {"type": "integer"}}}"""

  /** After another parallelism there are positions of several subtasks: nothing before the smallest is missing. */
  override def open(place: Place, restored: JavaList[Array[Byte]]): Unit = {
    this.place = place
    count = params.getLong("count", 1000)
    next = restored.asScala.map(ByteBuffer.wrap(_).getLong).minOption.getOrElse(0L)
  }

  override def poll(rowsMax: Int, out: Collector[Row]): SourceOperator.Next = {
    var rows = 0
    while (rows < rowsMax && next < count) {
      if (place.owns(next)) {
        out.collect(out.row().setLong("number", next))
        rows += 1
      }
      next += 1
    }
    if (next < count) SourceOperator.Next.READY else SourceOperator.Next.FINISHED
  }

  override def position(): Array[Byte] = ByteBuffer.allocate(8).putLong(next).array()
}
