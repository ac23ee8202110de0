(memory (export "memory") 1000)
(global $bump (mut i32) (i32.const 8192))
