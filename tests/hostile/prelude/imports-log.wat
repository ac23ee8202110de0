(import "millrace:plugin/host@0.1.0" "log" (func $log (param i32 i32 i32)))
