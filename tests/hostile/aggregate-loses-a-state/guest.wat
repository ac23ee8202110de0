(func (export "millrace:plugin/aggregate@0.1.0#export-states") (param $groups i32) (param $count i32) (result i32)
  (call $states (i32.const 5000) (i32.const 2) (i32.const 0)))
