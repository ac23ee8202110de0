(data (i32.const 2056) "\07\63\00")
(func (export "millrace:plugin/scalar@0.1.0#signatures") (result i32)
  (call $list (i32.const 2080) (i32.const 1)))
