(component
  (core module $m (func (export "f")))
  (core instance $i (instantiate $m))
  (func $f (canon lift (core func $i "f")))
  (instance $etl (export "open" (func $f)) (export "process" (func $f)))
  (export "millrace:plugin/etl@0.1.0" (instance $etl)))
