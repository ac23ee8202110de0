package example

import java.nio.charset.StandardCharsets.UTF_8
import java.util.{List => JavaList}
import millrace.api._
import scala.jdk.CollectionConverters._

/** Writes the column `line` to files of the granted folder `out`, one per checkpoint: seen once the checkpoint is durable. */
class Lines extends SinkOperator {
  private val lines = new StringBuilder
  private var prefix = ""

  override def open(inputColumns: JavaList[String], place: Place, restored: JavaList[Array[Byte]]): Unit = {
    prefix = s"part-${place.subtask()}"
    restored.asScala.map(new String(_, UTF_8)).foreach(name => publish(_ == name))
  }

  override def write(row: Row): Unit = lines.append(row.getString("line")).append('\n')

  /** What is written before the barrier lies on the disk under a name that nobody reads; the name lies in the checkpoint. */
  override def prepare(checkpoint: Long): Array[Byte] =
    if (lines.isEmpty) Array.emptyByteArray
    else {
      val name = s"$prefix-$checkpoint"
      context.capabilities().write("out", s"$name.pending", lines.toString.getBytes(UTF_8))
      lines.clear()
      name.getBytes(UTF_8)
    }

  override def commit(checkpoint: Long): Unit =
    publish(name => name.startsWith(s"$prefix-") && name.drop(prefix.length + 1).toLong <= checkpoint)

  private def publish(wanted: String => Boolean): Unit =
    for (entry <- context.capabilities().list("out", "").asScala if entry.name().endsWith(".pending")) {
      val name = entry.name().stripSuffix(".pending")
      if (wanted(name)) context.capabilities().rename("out", entry.name(), s"$name.txt")
    }
}
