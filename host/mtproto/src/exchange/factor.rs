/// The two prime factors of `pq`, the smaller first; `None` if it is not a product of two different
/// primes. Takes some ms: not for an async thread.
pub fn factorize(_pq: u64) -> Option<(u64, u64)> {
    todo!()
}
