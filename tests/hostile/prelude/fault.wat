;; The answer of `process` that is a fault with this message.
(func $fault (param $message i32) (param $len i32) (result i32)
  (i32.store8 (i32.const 1024) (i32.const 1))
  (i32.store (i32.const 1028) (local.get $message))
  (i32.store (i32.const 1032) (local.get $len))
  (i32.store8 (i32.const 1036) (i32.const 0))
  (i32.const 1024))
