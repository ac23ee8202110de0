(func (export "millrace:plugin/table@0.1.0#signatures") (result i32)
  (call $list (i32.const 2080) (i32.const 1)))
