(data (i32.const 2056) "\0e")
(data (i32.const 2060) "\01")
(func (export "millrace:plugin/scalar@0.1.0#signatures") (result i32)
  (call $list (i32.const 2080) (i32.const 1)))
