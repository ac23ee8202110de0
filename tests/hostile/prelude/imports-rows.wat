(import "millrace:plugin/host@0.1.0" "reject-row" (func $reject (param i32 i32 i32) (result i32)))
(import "millrace:plugin/host@0.1.0" "dimension-lookup" (func $lookup (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(import "millrace:plugin/host@0.1.0" "random-seed" (func $seed (result i64)))
