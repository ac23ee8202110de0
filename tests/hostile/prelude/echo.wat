;; The answer of `process` that returns the input: result<batch, fault> at 1024.
;; Layout: 1024 ok/err, 1028 rows, 1032 kinds (1 = there), 1036 their address, 1040 their number, 1044 address of the
;; columns, 1048 their number. A column has 32 bytes: +0 variant, +4 and +8 address and length of values or offsets,
;; +12 and +16 address and length of text data, +20 validity (1 = there), +24 and +28 its address and length.
(func $echo (param $rows i32) (param $has_kinds i32) (param $kinds i32) (param $kinds_len i32) (param $columns i32) (param $columns_len i32)
  (result i32)
  (i32.store8 (i32.const 1024) (i32.const 0))
  (i32.store (i32.const 1028) (local.get $rows))
  (i32.store8 (i32.const 1032) (local.get $has_kinds))
  (i32.store (i32.const 1036) (local.get $kinds))
  (i32.store (i32.const 1040) (local.get $kinds_len))
  (i32.store (i32.const 1044) (local.get $columns))
  (i32.store (i32.const 1048) (local.get $columns_len))
  (i32.const 1024))
