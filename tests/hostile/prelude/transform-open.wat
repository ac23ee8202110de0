;; `open`: one column `v BIGINT`, described at 4096.
(data (i32.const 4096) "\40\10\00\00\01\00\00\00\04\00\00\00\00\00\00\00")
(data (i32.const 4160) "v")
(func (export "millrace:plugin/transform@0.1.0#open") (param i32 i32) (result i32)
  (i32.store8 (i32.const 1024) (i32.const 0))
  (i32.store (i32.const 1028) (i32.const 4096))
  (i32.store (i32.const 1032) (i32.const 1))
  (i32.const 1024))
