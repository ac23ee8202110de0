(import "millrace:plugin/host@0.1.0" "counter-add" (func $counter (param i32 i32 i64)))
