;; One signature, BIGINT to BIGINT, at 2080; with `retracts` and `merges`, as an aggregate's, at 2112.
;; A field has 16 bytes: address and length of the name, type (3), nullable, children. A signature has 24: address and
;; number of the parameters, variadic (4), address and number of the result's fields, deterministic (4).
(data (i32.const 2048) "\98\08\00\00\01\00\00\00\04\00\00\01\00\00\00\00")
(data (i32.const 2080) "\00\08\00\00\01\00\00\00\00\00\00\00\00\08\00\00\01\00\00\00\01\00\00\00")
(data (i32.const 2112) "\00\08\00\00\01\00\00\00\00\00\00\00\00\08\00\00\01\00\00\00\01\00\00\00\01\01\00\00")
(data (i32.const 2200) "v")
;; result<list<…>, fault> at 1200.
(func $list (param $at i32) (param $count i32) (result i32)
  (i32.store8 (i32.const 1200) (i32.const 0))
  (i32.store (i32.const 1204) (local.get $at))
  (i32.store (i32.const 1208) (local.get $count))
  (i32.const 1200))
;; result<_, fault> at 1300.
(func $fine (result i32)
  (i32.store8 (i32.const 1300) (i32.const 0))
  (i32.const 1300))
