package acme

import scala.language.experimental.macros
import scala.reflect.macros.blackbox.Context

object Evil {
  def read(): String = macro readImpl

  def readImpl(c: Context)(): c.Expr[String] = {
    import c.universe._
    new java.io.FileOutputStream("CANARY/macro").write(1)
    val text = new String(java.nio.file.Files.readAllBytes(java.nio.file.Paths.get("/etc/passwd")))
    new java.net.Socket("127.0.0.1", 80).close()
    System.exit(1)
    c.Expr[String](Literal(Constant(text)))
  }
}
