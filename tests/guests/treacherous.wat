;; A retry policy that behaves in its first attempt and then does what the number of the attempt
;; says. The layout of its argument and answer follows the canonical ABI for wit/retry.
(module
  (import "sluice:host/log@1.0.0" "write" (func $log (param i32 i32 i32)))
  (memory (export "memory") 1)
  (memory $second 1)
  (table $table 1 funcref)
  ;; Where the answer is put.
  (global $answer i32 (i32.const 1024))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 4096))
  (func (export "sluice:retry/policy@1.0.0#configure") (param i32 i32) (result i32)
    (i32.store8 (global.get $answer) (i32.const 0))
    (global.get $answer))
  (func $deeper (param i32) (result i32)
    (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $say (param $kind i32) (param $number i64) (result i32)
    (i32.store8 (global.get $answer) (local.get $kind))
    (i64.store (i32.add (global.get $answer) (i32.const 8)) (local.get $number))
    ;; other-link, then an empty list of extensions
    (i32.store8 (i32.add (global.get $answer) (i32.const 16)) (i32.const 0))
    (i32.store (i32.add (global.get $answer) (i32.const 20)) (i32.const 0))
    (i32.store (i32.add (global.get $answer) (i32.const 24)) (i32.const 0))
    (global.get $answer))
  (func (export "sluice:retry/policy@1.0.0#decide") (param $attempt i32) (result i32)
    (local $number i32)
    (local.set $number (i32.load (i32.add (local.get $attempt) (i32.const 88))))
    ;; 2: never ends
    (if (i32.eq (local.get $number) (i32.const 2))
      (then (loop $ever (br $ever))))
    ;; 3: traps
    (if (i32.eq (local.get $number) (i32.const 3))
      (then (unreachable)))
    ;; 4: takes memory without end
    (if (i32.eq (local.get $number) (i32.const 4))
      (then (loop $more (drop (memory.grow (i32.const 16))) (br $more))))
    ;; 5: repeats at once
    (if (i32.eq (local.get $number) (i32.const 5))
      (then (return (call $say (i32.const 2) (i64.const 0)))))
    ;; 6: parks for ever
    (if (i32.eq (local.get $number) (i32.const 6))
      (then (return (call $say (i32.const 3) (i64.const -1)))))
    ;; 7: answers with an address outside its memory
    (if (i32.eq (local.get $number) (i32.const 7))
      (then (return (i32.const -16))))
    ;; 8: recurses without end
    (if (i32.eq (local.get $number) (i32.const 8))
      (then (return (call $deeper (i32.const 0)))))
    ;; 9: answers with a case that the contract does not have
    (if (i32.eq (local.get $number) (i32.const 9))
      (then (return (call $say (i32.const 77) (i64.const 0)))))
    ;; 10: writes into the log for ever
    (if (i32.eq (local.get $number) (i32.const 10))
      (then (loop $again
        (call $log (i32.const 3) (i32.const 32768) (i32.const 8192))
        (br $again))))
    ;; 11: answers with an endless list
    (if (i32.eq (local.get $number) (i32.const 11))
      (then
        (drop (call $say (i32.const 2) (i64.const 0)))
        (i32.store (i32.add (global.get $answer) (i32.const 24)) (i32.const 0x7fffffff))
        (return (global.get $answer))))
    ;; 12: takes memory without end, in two memories by turns
    (if (i32.eq (local.get $number) (i32.const 12))
      (then (loop $more
        (drop (memory.grow (i32.const 16)))
        (drop (memory.grow $second (i32.const 16)))
        (br $more))))
    ;; 13: makes its table grow without end
    (if (i32.eq (local.get $number) (i32.const 13))
      (then (loop $more
        (drop (table.grow $table (ref.null func) (i32.const 1000)))
        (br $more))))
    ;; else: gives up
    (call $say (i32.const 1) (i64.const 0))))
