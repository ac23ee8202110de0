package collections

import millrace.tests.Cases
import scala.collection.{immutable, mutable}

final class Collections extends Cases {
  private final case class Sale(shop: String, item: String, amount: Int)

  private val sales = List(Sale("north", "tea", 5), Sale("south", "tea", 7), Sale("north", "cup", 2), Sale("south", "pot", 11))

  override protected def cases(): Unit = {
    check("list", () => List(3, 1, 2).sorted.map(_ * 2) ::: 9 :: Nil)
    check("list operations", () => (List(1, 2, 3, 4).partition(_ % 2 == 0), List(1, 2, 3).splitAt(1), List(1, 2, 3).span(_ < 3)))
    check("head, tail, last", () => (List(1, 2, 3).head, List(1, 2, 3).tail, List(1, 2, 3).last, List(1, 2, 3).init, Nil.headOption))
    check("folds", () => ((1 to 100).foldLeft(0L)(_ + _), List("a", "b").foldRight("")(_ + _), List(1, 2, 3).reduce(_ * _), List(1, 2, 3).scanLeft(0)(_ + _)))
    check("zip", () => (List(1, 2).zip(List("x", "y")).toMap, List("a", "b").zipWithIndex, List((1, "a"), (2, "b")).unzip, List(1).zipAll(List(2, 3), 0, 9)))
    check("sliding and grouped", () => (List(1, 2, 3, 4).sliding(2).toList, List(1, 2, 3).grouped(2).toList))
    check("sorting", () => (sales.sortBy(s => (s.shop, -s.amount)).map(_.item), List("b", "A").sortWith(_.toLowerCase < _.toLowerCase), List(3, 1).max))
    check("maxBy and minBy", () => (sales.maxBy(_.amount).item, sales.minBy(_.amount).item, List.empty[Int].maxOption))
    check("groupBy", () => sales.groupBy(_.shop).view.mapValues(_.map(_.amount).sum).toMap.toList.sorted)
    check("groupMapReduce", () => sales.groupMapReduce(_.item)(_.amount)(_ + _).toList.sorted)
    check("flatMap and collect", () => (List(1, 2).flatMap(x => List(x, x * 10)), List(1, "a", 2).collect { case i: Int => i + 1 }))
    check("distinct, diff, intersect", () => (List(1, 1, 2).distinct, List(1, 2, 3).diff(List(2)), List(1, 2).intersect(List(2, 3)), List(1, 2) ++ List(3)))
    check("exists, forall, find, count", () => (List(1, 2).exists(_ > 1), List(1, 2).forall(_ > 1), List(1, 2).find(_ > 1), List(1, 2).count(_ > 0)))
    check("take and drop", () => (List(1, 2, 3).take(2), List(1, 2, 3).dropRight(1), List(1, 2, 3).takeWhile(_ < 2), List(1, 2, 3).dropWhile(_ < 2)))
    check("mkString", () => Seq(1, 2, 3).mkString("[", ", ", "]"))
    check("indices and patch", () => (List("a", "b").indices.toList, List(1, 2, 3).patch(1, List(9, 9), 1), List(1, 2).updated(0, 7), List(1, 2).indexOf(2)))
    check("vector", () => (Vector.tabulate(40)(_ * 2).filter(_ % 3 == 0).sum, Vector(1, 2) :+ 3, 0 +: Vector(1)))
    check("large vector", () => (0 until 5000).toVector.updated(2500, -1).sum)
    check("map", () => Map("a" -> 1, "b" -> 2, "c" -> 3, "d" -> 4, "e" -> 5).map { case (k, v) => k -> v * 2 }.toList.sorted)
    check("map updates", () => ((Map("a" -> 1) + ("b" -> 2) - "a"), Map("a" -> 1).updatedWith("a")(_.map(_ + 1)), Map("a" -> 1).getOrElse("z", 0), Map("x" -> 1).withDefaultValue(7)("y")))
    check("hash map with many keys", () => (1 to 200).map(i => s"k$i" -> i).toMap.filter(_._2 % 50 == 0).toList.sorted)
    check("order of a large map", () => (1 to 20).map(i => s"k$i" -> i).toMap)
    check("set", () => (Set(1, 2, 3) & Set(2, 3, 4), Set(1) | Set(2), Set(1, 2) -- Set(1), Set(1).subsetOf(Set(1, 2)), (1 to 10).toSet.size))
    check("sorted collections", () => (immutable.TreeMap("b" -> 1, "a" -> 2), immutable.SortedSet(3, 1, 2), immutable.TreeMap(1 -> "a", 5 -> "b").rangeFrom(2)))
    check("list map and queue", () => (immutable.ListMap("z" -> 1, "a" -> 2), immutable.Queue(1, 2).enqueue(3).dequeue))
    check("range", () => ((1 to 10 by 3).toList, (10 until 0 by -4).toList, (1 to 5).sum, ('a' to 'e').mkString))
    check("array", () => { val a = Array(3, 1, 2); scala.util.Sorting.quickSort(a); a.mkString(",") + a.map(_ + 1).sum + Array.fill(2)("x").mkString + Array.ofDim[Int](2, 3).length })
    check("array buffer", () => { val b = mutable.ArrayBuffer(3, 1, 2); b += 4; b ++= Seq(5); b.remove(0); b.insert(1, 9); b -= 5; b.mkString("-") })
    check("array buffer sorted in place", () => { val b = mutable.ArrayBuffer(3, 1, 2); b.sortInPlace(); b.mkString("-") })
    check("mutable map", () => { val m = mutable.Map.empty[String, Int].withDefaultValue(0); m("k") += 1; m("k") += 1; m.getOrElseUpdate("z", 5); m.toList.sorted })
    check("mutable set and linked map", () => { val s = mutable.LinkedHashMap("b" -> 1); s("a") = 2; val t = mutable.HashSet(1, 2); t -= 1; (s, t) })
    check("stack and queue", () => { val s = mutable.Stack(1, 2); s.push(0); val q = mutable.Queue(1); q.enqueue(2); (s.pop(), s.top, q.dequeue(), q) })
    check("priority queue", () => { val q = mutable.PriorityQueue(3, 9, 1); (q.dequeue(), q.dequeue(), q.size) })
    check("list buffer and builder", () => { val b = mutable.ListBuffer(1); b += 2; b.prepend(0); val s = new mutable.StringBuilder; s ++= "ab"; s += 'c'; (b.toList, s.reverse.toString) })
    check("lazy list", () => { lazy val fibs: LazyList[BigInt] = BigInt(0) #:: BigInt(1) #:: fibs.zip(fibs.tail).map { case (a, b) => a + b }; (LazyList.from(1).map(_ * 2).take(4).toList, fibs(80)) })
    check("view", () => (1 to 1000).view.map(_ * 2).filter(_ % 3 == 0).take(3).toList)
    check("iterator", () => { val it = Iterator(1, 2, 3, 4).map(_ + 1).buffered; (it.head, it.toList, Iterator.iterate(1)(_ * 2).take(5).sum, Iterator.continually("x").take(2).mkString) })
    check("transpose and flatten", () => (List(List(1, 2), List(3, 4)).transpose, List(Some(1), None).flatten, List(1, 2, 3).combinations(2).toList, List(1, 2, 3).permutations.size))
    check("conversions from Java", () => { import scala.jdk.CollectionConverters._; val j = new java.util.ArrayList[Int](); j.add(1); j.add(2); (j.asScala.map(_ + 1).toList, List(1, 2).asJava, Map("a" -> 1).asJava.get("a")) })
    check("string as collection", () => ("hello".map(_.toUpper), "hello".filter(_ != 'l'), "a1b2".count(_.isDigit), "abc".zip("xyz").toList, "hello".groupBy(identity).map { case (c, s) => c -> s.length }.toList.sorted))
  }
}
