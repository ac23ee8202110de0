trait Nat
class S[N <: Nat] extends Nat
class Z extends Nat
class Tree[N <: Nat, A]

object Hostile {
  implicit def leaf[A]: Tree[Z, A] = new Tree
  implicit def left[N <: Nat, A](implicit a: Tree[N, (A, Int)], b: Tree[N, (A, Long)]): Tree[S[N], A] = new Tree
  type Deep = S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[S[Z]]]]]]]]]]]]]]]]]]]]]]]]
  val found = implicitly[Tree[Deep, Int]]
}
