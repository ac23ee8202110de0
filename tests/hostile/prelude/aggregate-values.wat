;; A BIGINT 0 per group.
(func (export "millrace:plugin/aggregate@0.1.0#values") (param $groups i32) (param $count i32) (result i32)
  (call $zeros (local.get $count)))
