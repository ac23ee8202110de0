(func (export "millrace:plugin/etl@0.1.0#process") (param $rows i32) (param $has_kinds i32) (param $kinds i32) (param $kinds_len i32) (param $columns i32) (param $columns_len i32)
  (result i32)
  (local $answer i32)
  (local.set $answer
    (call $echo (local.get $rows) (local.get $has_kinds) (local.get $kinds) (local.get $kinds_len) (local.get $columns) (local.get $columns_len)))
  (i32.store8 (i32.const 1032) (i32.const 1))
  (i32.store (i32.const 1036) (i32.const 2048))
  (i32.store (i32.const 1040) (i32.const 3))
  (local.get $answer))
