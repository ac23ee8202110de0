package language

import millrace.tests.Cases
import scala.annotation.tailrec
import scala.util.{Failure, Success, Try}
import scala.util.control.NonFatal
import scala.util.matching.Regex

sealed trait Shape { def area: Double }
final case class Circle(radius: Double) extends Shape { def area: Double = 3 * radius * radius }
final case class Rectangle(width: Double, height: Double = 1) extends Shape { def area: Double = width * height }
case object Point extends Shape { def area: Double = 0 }

sealed abstract class Expression
final case class Number(value: Int) extends Expression
final case class Sum(left: Expression, right: Expression) extends Expression
final case class Product(left: Expression, right: Expression) extends Expression

trait Show[A] { def show(a: A): String }
object Show {
  implicit val int: Show[Int] = (a: Int) => s"int $a"
  implicit val string: Show[String] = (a: String) => s"text $a"
  implicit def list[A](implicit one: Show[A]): Show[List[A]] = (as: List[A]) => as.map(one.show).mkString("<", ";", ">")
}

trait Greeting { def name: String; def greet: String = s"hello $name" }
trait Loud extends Greeting { override def greet: String = super.greet.toUpperCase }
trait Twice extends Greeting { override def greet: String = super.greet + super.greet }

object Weekday extends Enumeration { val Monday: Value = Value("Mon"); val Sunday: Value = Value("Sun") }

object Even { def unapply(n: Int): Option[Int] = if (n % 2 == 0) Some(n / 2) else None }
object Words { def unapplySeq(s: String): Option[Seq[String]] = Some(s.split(" ").toSeq) }

final case class Money(cents: Long) extends Ordered[Money] {
  def +(other: Money): Money = Money(cents + other.cents)
  def compare(other: Money): Int = cents.compare(other.cents)
}

final class Language extends Cases {
  private def show[A](a: A)(implicit s: Show[A]): String = s.show(a)

  private implicit class Shouting(private val text: String) { def shout: String = text.toUpperCase + "!" }

  private def evaluate(e: Expression): Int = e match {
    case Number(v) => v
    case Sum(l, r) => evaluate(l) + evaluate(r)
    case Product(Number(0), _) | Product(_, Number(0)) => 0
    case Product(l, r) => evaluate(l) * evaluate(r)
  }

  private def describe(a: Any): String = a match {
    case 0 => "zero"
    case n: Int if n < 0 => "negative"
    case Even(half) => s"twice $half"
    case n: Int => s"odd $n"
    case s: String if s.isEmpty => "empty"
    case Words(first, _*) => first
    case (a, b) => s"pair $a $b"
    case head :: (tail @ _ :: _) => s"list $head and ${tail.size}"
    case Nil => "nil"
    case Some(x) => s"some $x"
    case array: Array[Int] => s"array ${array.length}"
    case _: List[_] => "list of one"
    case null => "null"
    case other => other.getClass.getSimpleName
  }

  @tailrec private def gcd(a: Int, b: Int): Int = if (b == 0) a else gcd(b, a % b)

  override protected def cases(): Unit = {
    check("case classes", () => (Circle(2), Circle(2) == Circle(2.0), Rectangle(3), Rectangle(1, 2).copy(height = 5), Point))
    check("hash codes of case classes", () => (Money(5).hashCode, Rectangle(1, 2).hashCode, ("a", 1).hashCode, List(1, 2).hashCode))
    check("product", () => (Rectangle(1, 2).productArity, Rectangle(1, 2).productElement(1), Rectangle(1, 2).productPrefix, Rectangle(1, 2).productIterator.toList))
    check("sealed traits", () => List(Circle(1), Rectangle(2, 3), Point).map(_.area))
    check("nested patterns", () => evaluate(Sum(Number(2), Product(Number(3), Sum(Number(1), Number(1))))))
    check("patterns", () => List(0, -1, 8, 7, "", "two words", (1, "b"), List(1, 2, 3), Nil, Some(4), Array(1), List(1), null, 2.5).map(describe))
    check("no match", () => { val n: Any = 5; try { n match { case s: String => s } } catch { case e: MatchError => e.getMessage } })
    check("patterns in values", () => { val (a, b) = (1, "x"); val List(c, _*) = List(7, 8, 9): @unchecked; val Money(d) = Money(3); s"$a$b$c$d" })
    check("for comprehension", () => for { x <- List(1, 2, 3); y <- List("p", "q") if x != 2 } yield s"$x$y")
    check("for over options", () => for { a <- Some(2); b <- Option(3); c = a * b if c > 5 } yield c)
    check("interpolation", () => { val n = 42; val p = 3.14159; s"$n ${n + 1} $$" + f"$p%.2f $n%05d ${"x"}%3s" + raw"a\n" })
    check("multi-line text", () => """a
                                     |  b
                                     |c""".stripMargin)
    check("options", () => (Some(3).flatMap(x => if (x > 2) Some(x * 10) else None), Option(null), None.getOrElse(1), Some(1).filter(_ > 1), Some(1).fold(0)(_ + 1), Some(2).contains(2), Some(1).toList))
    check("either", () => { val r: Either[String, Int] = Right(3); val l: Either[String, Int] = Left("bad"); (r.map(_ + 1), l.map(_ + 1), l.getOrElse(0), r.flatMap(x => if (x > 5) Right(x) else Left("small")), l.swap, r.toOption) })
    check("try", () => (Try("12".toInt), Try("zz".toInt).toOption, Try(1 / 0).recover { case _: ArithmeticException => -1 }, Try(sys.error("x")) match { case Failure(e) => e.getMessage; case Success(_) => "" }))
    check("catching", () => { try throw new IllegalStateException("s") catch { case _: IllegalArgumentException => "argument"; case NonFatal(e) => e.getMessage } finally () })
    check("regex", () => { val R = """(\d+)-(\w+)""".r; val m = "77-zz" match { case R(a, b) => a + b; case _ => "no" }; (m, R.findFirstIn("x 12-ab"), R.findAllIn("1-a 2-b").toList, R.replaceAllIn("1-a", m => m.group(2) + m.group(1))) })
    check("regex groups", () => new Regex("(\\d+)(\\w)", "number", "letter").findFirstMatchIn("12a").map(m => m.group("number") + m.start + m.subgroups))
    check("big decimal", () => (BigDecimal("10.25") * 3, BigDecimal(1) / 3, BigDecimal("2.345").setScale(2, BigDecimal.RoundingMode.HALF_UP), BigDecimal("1.0") == BigDecimal("1.00"), List(BigDecimal("1.1"), BigDecimal("2.2")).sum))
    check("big integer", () => (BigInt(2).pow(100), BigInt("123456789012345678901") % 97, (1 to 25).map(BigInt(_)).product, BigInt(10) > 5))
    check("lazy values", () => { var made = 0; lazy val v = { made += 1; 5 }; val before = made; (before, v + v, made) })
    check("implicit parameters", () => show(List(1, 2)) + show("x"))
    check("implicit classes", () => "hey".shout)
    check("traits in a stack", () => { val g = new Greeting with Loud with Twice { def name = "ann" }; g.greet })
    check("enumeration", () => (Weekday.Monday, Weekday.Sunday.id, Weekday.withName("Sun"), Weekday.values.toList))
    check("operators and ordering", () => (Money(1) + Money(2), Money(1) < Money(2), List(Money(3), Money(1)).max, implicitly[Ordering[(Int, String)]].compare((1, "b"), (1, "a"))))
    check("ordering", () => List("bb", "a", "cc").sorted(Ordering.by[String, Int](_.length).reverse.orElse(Ordering.String)))
    check("default and named arguments", () => { def f(a: Int, b: Int = 2, c: Int = 3) = s"$a$b$c"; f(1) + f(1, c = 9) + f(c = 1, a = 2) })
    check("currying and partial application", () => { def add(a: Int)(b: Int) = a + b; val two = add(2) _; val f: (Int, Int) => Int = _ + _; (two(3), f.curried(1)(2), f.tupled((4, 5))) })
    check("by-name parameters", () => { def twice(a: => Int) = a + a; var n = 0; twice { n += 1; n } })
    check("partial functions", () => { val p: PartialFunction[Int, String] = { case 1 => "one" }; (p.isDefinedAt(2), p.lift(1), p.orElse[Int, String] { case _ => "other" }(5), List(1, 2).collect(p)) })
    check("function composition", () => { val f = (x: Int) => x + 1; val g = (x: Int) => x * 2; ((f andThen g)(3), (f compose g)(3)) })
    check("tail recursion", () => gcd(1071, 462))
    check("closures", () => { var n = 0; val step = () => { n += 1; n }; step() + step() * 10 })
    check("while and vars", () => { var i = 0; var sum = 0L; while (i < 1000) { sum += i.toLong * i; i += 1 }; sum })
    check("numbers", () => (1.5.toInt + 2.7.round, 7 / 2, -7 % 3, 5.0 / 2, 'a' + 1, 10.max(3), (-3).abs, 255.toHexString, 3.7.floor, "12".toInt, 1e3.toLong))
    check("text operations", () => ("Hello".reverse, "a,b,,c".split(",").toList, "  x ".trim, "abc".capitalize, "x" * 3, "hello".slice(1, 3), "abc".indexOf("c"), "a-b".replace('-', '+'), "ABC".toLowerCase, "x".padTo(3, '.'), "12".forall(_.isDigit)))
    check("formatted", () => "%s has %05.1f".format("x", 2.25) + "%,d".format(1234567))
    check("type parameters and variance", () => { class Box[+A](val value: A) { def map[B](f: A => B): Box[B] = new Box(f(value)) }; val b: Box[Any] = new Box(1).map(_ + 1); b.value })
    check("anonymous classes and objects", () => { object Counter { private var n = 0; def next(): Int = { n += 1; n } }; Counter.next(); Counter.next() })
    check("tuples", () => { val t = (1, "a", 2.5); (t._1, t.swap2, t.productArity) })
    check("using and resources", () => { var closed = 0; class R extends AutoCloseable { def close(): Unit = closed += 1 }; val r = scala.util.Using(new R)(_ => 5); (r, closed) })
    check("symbols and characters", () => ('a'.isLetter, '7'.asDigit, 'x'.toUpper, Symbol("s").name))
  }

  private implicit class Swapping(t: (Int, String, Double)) { def swap2: (Double, String, Int) = (t._3, t._2, t._1) }
}
