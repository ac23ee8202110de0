;; `poll`: nothing, ask again after 10 ms. The answer's option<batch> is at 1032, its watermark at 1064, `next` at 1080.
(func (export "millrace:plugin/source@0.1.0#poll") (param i32) (result i32)
  (i32.store8 (i32.const 1024) (i32.const 0))
  (i32.store8 (i32.const 1032) (i32.const 0))
  (i32.store8 (i32.const 1064) (i32.const 0))
  (i32.store8 (i32.const 1080) (i32.const 1))
  (i32.store (i32.const 1084) (i32.const 10))
  (i32.const 1024))
