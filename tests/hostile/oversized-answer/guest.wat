(data (i32.const 3000) "")
(func (export "millrace:plugin/etl@0.1.0#process") (param $rows i32) (param $has_kinds i32) (param $kinds i32) (param $kinds_len i32) (param $columns i32) (param $columns_len i32)
  (result i32)
  (local $at i32)
  (drop (memory.grow (i32.const 200)))
  ;; id: more than a million values, all of memory
  (i32.store (i32.add (local.get $columns) (i32.const 8)) (i32.const 1200000))
  (i32.store (i32.add (local.get $columns) (i32.const 4)) (i32.const 0))
  (call $echo (local.get $rows) (local.get $has_kinds) (local.get $kinds) (local.get $kinds_len) (local.get $columns) (local.get $columns_len)))
