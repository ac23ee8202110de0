;; One memory with a bump allocator behind `cabi_realloc`; `$bump` goes back to its start when an answer has been read.
(memory (export "memory") 2)
(global $bump (mut i32) (i32.const 8192))
