(data (i32.const 4096) "why")
(func (export "millrace:plugin/etl@0.1.0#process") (param $rows i32) (param $has_kinds i32) (param $kinds i32) (param $kinds_len i32) (param $columns i32) (param $columns_len i32)
  (result i32)
  (loop $more
    (drop (call $reject (i32.const 0) (i32.const 4096) (i32.const 3)))
    (br $more))
  (call $echo (local.get $rows) (local.get $has_kinds) (local.get $kinds) (local.get $kinds_len) (local.get $columns) (local.get $columns_len)))
