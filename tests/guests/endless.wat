;; A retry policy that never answers at all.
(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "sluice:retry/policy@1.0.0#configure") (param i32 i32) (result i32) (i32.const 0))
  (func (export "sluice:retry/policy@1.0.0#decide") (param i32) (result i32)
    (loop $ever (br $ever))
    (unreachable)))
