import scala.language.experimental.macros

object Evil {
  def read(): String = macro readImpl
}
