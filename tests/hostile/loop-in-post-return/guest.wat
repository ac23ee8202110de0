(func (export "cabi_post_millrace:plugin/etl@0.1.0#process") (param i32)
  (loop $forever (br $forever)))
