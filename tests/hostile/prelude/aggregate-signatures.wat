(func (export "millrace:plugin/aggregate@0.1.0#signatures") (result i32)
  (call $list (i32.const 2112) (i32.const 1)))
