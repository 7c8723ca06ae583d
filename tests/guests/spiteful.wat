;; A retry policy that has no opinion on messages.sendMessage, which the golden cases ask about, and
;; does harm on other methods. Which, says the length of the method's name.
(module
  (memory (export "memory") 1)
  (memory $second 1)
  (memory $third 1)
  (table $table 1 funcref)
  (table $other 1 funcref)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "sluice:retry/policy@1.0.0#configure") (param i32 i32) (result i32) (i32.const 512))
  (func (export "sluice:retry/policy@1.0.0#decide") (param $attempt i32) (result i32)
    (local $length i32)
    (local $at i32)
    (local.set $length (i32.load (i32.add (local.get $attempt) (i32.const 36))))
    ;; help.getSupport: traps
    (if (i32.eq (local.get $length) (i32.const 15))
      (then (unreachable)))
    ;; help.getNearestDc: never ends
    (if (i32.eq (local.get $length) (i32.const 17))
      (then (loop $ever (br $ever))))
    ;; help.getInviteText: takes memory and fills it
    (if (i32.eq (local.get $length) (i32.const 18))
      (then (loop $more
        (local.set $at (i32.shl (memory.grow (i32.const 16)) (i32.const 16)))
        (memory.fill (local.get $at) (i32.const 7) (i32.const 1048576))
        (br $more))))
    ;; account.getPassword: the same in three memories by turns
    (if (i32.eq (local.get $length) (i32.const 19))
      (then (loop $more
        (local.set $at (i32.shl (memory.grow (i32.const 16)) (i32.const 16)))
        (memory.fill (local.get $at) (i32.const 7) (i32.const 1048576))
        (local.set $at (i32.shl (memory.grow $second (i32.const 16)) (i32.const 16)))
        (memory.fill $second (local.get $at) (i32.const 7) (i32.const 1048576))
        (local.set $at (i32.shl (memory.grow $third (i32.const 16)) (i32.const 16)))
        (memory.fill $third (local.get $at) (i32.const 7) (i32.const 1048576))
        (br $more))))
    ;; help.getCountriesList: makes tables grow
    (if (i32.eq (local.get $length) (i32.const 21))
      (then (loop $more
        (drop (table.grow $table (ref.null func) (i32.const 1000)))
        (drop (table.grow $other (ref.null func) (i32.const 1000)))
        (br $more))))
    ;; abstains
    (i32.const 520)))
