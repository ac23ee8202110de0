import java.nio.charset.StandardCharsets.UTF_8
import java.util.{List => JavaList}
import millrace.api._
import scala.collection.mutable
import scala.jdk.CollectionConverters._

/** Writes lines to files of a granted folder, exactly once: a checkpoint's lines lie below `pending/` until it is durable. */
class FolderLines extends SinkOperator {
  private var folder = ""
  private var prefix = ""
  private val lines = new mutable.StringBuilder
  private val prepared = mutable.Queue.empty[(Long, String)]

  override def open(inputColumns: JavaList[String], place: Place, restored: JavaList[Array[Byte]]): Unit = {
    folder = params.get("folder", "out")
    prefix = f"${context.randomSeed()}%016x-${place.subtask()}"
    // Says at once if the folder is not granted; the ones within it are made when they are needed.
    context.capabilities().list(folder, "")
    val left = names("pending")
    for (state <- restored.asScala; name <- new String(state, UTF_8).split('\n') if left.contains(name)) publish(name)
    // Their lines come again.
    for (name <- names("pending") if name.startsWith(prefix + "-")) context.capabilities().remove(folder, s"pending/$name")
  }

  override def write(row: Row): Unit = {
    val line = row.getString("line")
    if (line.contains('\n')) throw new IllegalArgumentException("the line has a line break")
    lines.append(line).append('\n')
  }

  override def prepare(checkpoint: Long): Array[Byte] = {
    if (lines.nonEmpty) {
      val name = s"$prefix-$checkpoint.lines"
      context.capabilities().write(folder, s"pending/$name", lines.toString.getBytes(UTF_8))
      lines.clear()
      prepared.enqueue((checkpoint, name))
    }
    prepared.map(_._2).mkString("\n").getBytes(UTF_8)
  }

  override def commit(checkpoint: Long): Unit =
    while (prepared.headOption.exists(_._1 <= checkpoint)) publish(prepared.dequeue()._2)

  private def publish(name: String): Unit = context.capabilities().rename(folder, s"pending/$name", s"out/$name")

  private def names(path: String): Seq[String] =
    try context.capabilities().list(folder, path).asScala.map(_.name()).toSeq
    catch { case _: CapabilityException => Seq.empty }
}
