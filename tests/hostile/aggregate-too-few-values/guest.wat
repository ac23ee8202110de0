(func (export "millrace:plugin/aggregate@0.1.0#values") (param $groups i32) (param $count i32) (result i32)
  (call $zeros (i32.const 1)))
