(func (export "millrace:plugin/etl@0.1.0#process") (param i32 i32 i32 i32 i32 i32) (result i32)
  (call $echo (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)))
