(component
  (instance $nothing)
  (export "millrace:plugin/scalar@0.1.0" (instance $nothing)))
