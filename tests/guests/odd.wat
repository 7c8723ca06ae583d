;; A retry policy that gives up, but for errors of code 418, which Telegram does not have: there it
;; does what a test puts in place of $odd. The code is the second field of the failure, which the
;; argument begins with.
(module
  (memory (export "memory") 1)
  ;; The argument is larger than what is put into registers, so its record and its texts need places
  ;; of their own; they are given back with the answer.
  (global $next (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (local.get $at))
  (func (export "sluice:retry/policy@1.0.0#configure") (param i32 i32) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 0))
    (i32.const 1024))
  (func $say (param $kind i32) (param $number i64) (result i32)
    (i32.store8 (i32.const 1024) (local.get $kind))
    (i64.store (i32.const 1032) (local.get $number))
    ;; other-link, then an empty list of extensions
    (i32.store8 (i32.const 1040) (i32.const 0))
    (i32.store (i32.const 1044) (i32.const 0))
    (i32.store (i32.const 1048) (i32.const 0))
    (i32.const 1024))
  (func $odd (result i32)
    (unreachable))
  (func (export "sluice:retry/policy@1.0.0#decide") (param $attempt i32) (result i32)
    (global.set $next (i32.const 4096))
    (if (i32.eq (i32.load (i32.add (local.get $attempt) (i32.const 4))) (i32.const 418))
      (then (return (call $odd))))
    (call $say (i32.const 1) (i64.const 0))))
