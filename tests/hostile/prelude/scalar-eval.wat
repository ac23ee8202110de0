(func (export "millrace:plugin/scalar@0.1.0#eval") (param $rows i32) (param $has_kinds i32) (param $kinds i32) (param $kinds_len i32) (param $columns i32) (param $columns_len i32) (result i32)
  (call $echo (local.get $rows) (local.get $has_kinds) (local.get $kinds) (local.get $kinds_len) (local.get $columns) (local.get $columns_len)))
