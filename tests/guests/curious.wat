;; A retry policy that tries to learn of the world outside, or to reach it, through WASI: what, says
;; the number of the attempt. It answers with what it learned, as seconds to park for.
(module
  (import "wasi:cli/environment@0.2.3" "get-environment" (func $environment (param i32)))
  (import "wasi:cli/environment@0.2.3" "get-arguments" (func $arguments (param i32)))
  (import "wasi:cli/exit@0.2.3" "exit" (func $exit (param i32)))
  (import "wasi:cli/stdin@0.2.3" "get-stdin" (func $stdin (result i32)))
  (import "wasi:cli/stdout@0.2.3" "get-stdout" (func $stdout (result i32)))
  (import "wasi:cli/stderr@0.2.3" "get-stderr" (func $stderr (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.3" "now" (func $monotonic (result i64)))
  (import "wasi:clocks/monotonic-clock@0.2.3" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:clocks/wall-clock@0.2.3" "now" (func $wall (param i32)))
  (import "wasi:filesystem/preopens@0.2.3" "get-directories" (func $directories (param i32)))
  (import "wasi:io/poll@0.2.3" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.3" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.blocking-write-and-flush" (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.3" "[method]output-stream.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:random/random@0.2.3" "get-random-bytes" (func $bytes (param i64 i32)))
  (import "wasi:random/random@0.2.3" "get-random-u64" (func $random (result i64)))
  (import "wasi:sockets/instance-network@0.2.3" "instance-network" (func $network (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 2048) "Traceback (most recent call last):\n  File \"policy.py\"\nKeyError: 'advice'\n")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
  (func (export "sluice:retry/policy@1.0.0#configure") (param i32 i32) (result i32) (i32.const 512))
  (func $park (param $seconds i64) (result i32)
    (i32.store8 (i32.const 1024) (i32.const 3))
    (i64.store (i32.const 1032) (local.get $seconds))
    (i32.const 1024))
  ;; The length of the list at 256.
  (func $length (result i32)
    (call $park (i64.extend_i32_u (i32.load (i32.const 260)))))
  (func (export "sluice:retry/policy@1.0.0#decide") (param $attempt i32) (result i32)
    (local $number i32)
    (local $to i32)
    (local.set $number (i32.load (i32.add (local.get $attempt) (i32.const 88))))
    ;; The environment, arguments and directories that it is given.
    (if (i32.eq (local.get $number) (i32.const 2))
      (then (call $environment (i32.const 256)) (return (call $length))))
    (if (i32.eq (local.get $number) (i32.const 3))
      (then (call $arguments (i32.const 256)) (return (call $length))))
    (if (i32.eq (local.get $number) (i32.const 4))
      (then (call $directories (i32.const 256)) (return (call $length))))
    ;; The clocks.
    (if (i32.eq (local.get $number) (i32.const 5))
      (then (call $wall (i32.const 256)) (return (call $park (i64.load (i32.const 256))))))
    (if (i32.eq (local.get $number) (i32.const 6))
      (then (return (call $park (call $monotonic)))))
    ;; Chance, twice.
    (if (i32.eq (local.get $number) (i32.const 7))
      (then
        (call $bytes (i64.const 8) (i32.const 256))
        (return (call $park (i64.xor (i64.load (i32.load (i32.const 256))) (call $random))))))
    ;; Input: 1 for an error, and which.
    (if (i32.eq (local.get $number) (i32.const 8))
      (then
        (call $read (call $stdin) (i64.const 100) (i32.const 256))
        (return (call $park (i64.or
          (i64.shl (i64.load8_u (i32.const 256)) (i64.const 8))
          (i64.load8_u (i32.const 260)))))))
    ;; A sleep of an hour.
    (if (i32.eq (local.get $number) (i32.const 9))
      (then
        (call $block (call $timer (i64.const 3600000000000)))
        (return (call $park (i64.const 9)))))
    ;; An exception, as Python reports it.
    (if (i32.eq (local.get $number) (i32.const 10))
      (then
        (call $write (call $stderr) (i32.const 2048) (i32.const 73) (i32.const 256))
        (unreachable)))
    (if (i32.eq (local.get $number) (i32.const 11))
      (then (call $exit (i32.const 0))))
    ;; The network.
    (if (i32.eq (local.get $number) (i32.const 12))
      (then (drop (call $network))))
    ;; More chance than there is memory.
    (if (i32.eq (local.get $number) (i32.const 13))
      (then (call $bytes (i64.const 0x7fffffffffff) (i32.const 256))))
    ;; Handles without end.
    (if (i32.eq (local.get $number) (i32.const 14))
      (then (loop $more (drop (call $subscribe (call $stdout))) (br $more))))
    ;; Output without end.
    (if (i32.eq (local.get $number) (i32.const 15))
      (then (local.set $to (call $stdout)) (loop $more
        (call $write (local.get $to) (i32.const 2048) (i32.const 65536) (i32.const 256))
        (br $more))))
    (call $park (i64.const 1))))
