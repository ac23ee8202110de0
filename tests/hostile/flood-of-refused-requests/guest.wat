(data (i32.const 4096) "GEThttp://169.254.169.254/x")
(func (export "millrace:plugin/etl@0.1.0#process") (param $rows i32) (param $has_kinds i32) (param $kinds i32) (param $kinds_len i32) (param $columns i32) (param $columns_len i32)
  (result i32)
  (loop $more
    (global.set $bump (i32.const 8192))
    (call $send (i32.const 4096) (i32.const 3) (i32.const 4099) (i32.const 24) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 2048))
    (br $more))
  unreachable)
