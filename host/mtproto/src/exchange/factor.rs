/// The two prime factors of `pq`, the smaller first; `None` if it is not a product of two different
/// primes. Takes some ms: not for an async thread.
///
/// Pollard's rho, tried with several polynomials and a bounded number of steps, so that a hostile
/// `pq` ends too.
pub fn factorize(pq: u64) -> Option<(u64, u64)> {
    if pq < 6 || is_prime(pq) {
        return None;
    }
    if pq.is_multiple_of(2) {
        return ordered(2, pq / 2);
    }
    (1..=20)
        .find_map(|c| rho(pq, c))
        .and_then(|p| ordered(p, pq / p))
}

fn ordered(a: u64, b: u64) -> Option<(u64, u64)> {
    (a != b && is_prime(a) && is_prime(b)).then(|| (a.min(b), a.max(b)))
}

/// A factor of an odd composite, found by walking x -> x^2 + c until two steps meet modulo it.
fn rho(n: u64, c: u64) -> Option<u64> {
    /// Twenty times what the smaller factor of a 63-bit number needs on average.
    const STEPS: u32 = 1 << 20;
    /// Differences multiplied before one gcd is taken.
    const BATCH: u32 = 128;
    let step = |x| mul(x, x, n).wrapping_add(c) % n;
    let (mut slow, mut fast) = (2, 2);
    let mut done = 0;
    while done < STEPS {
        let (start_slow, start_fast) = (slow, fast);
        let mut product = 1;
        for _ in 0..BATCH {
            slow = step(slow);
            fast = step(step(fast));
            product = mul(product, slow.abs_diff(fast), n);
        }
        let mut found = gcd(product, n);
        if found == n {
            // Several met at once: walk the batch again, one by one.
            (slow, fast, found) = (start_slow, start_fast, 1);
            while found == 1 {
                slow = step(slow);
                fast = step(step(fast));
                found = gcd(slow.abs_diff(fast), n);
            }
        }
        if found == n {
            return None;
        }
        if found > 1 {
            return Some(found);
        }
        done += BATCH;
    }
    None
}

/// `a * b % n`. The remainder is below `n`, so it fits.
#[allow(clippy::cast_possible_truncation)]
fn mul(a: u64, b: u64, n: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(n)) as u64
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn power(mut base: u64, mut exponent: u64, n: u64) -> u64 {
    let mut result = 1 % n;
    base %= n;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul(result, base, n);
        }
        base = mul(base, base, n);
        exponent >>= 1;
    }
    result
}

/// Whether a number is prime. These bases decide it for all of 64 bits (Sorenson and Webster,
/// 2015).
pub(super) fn is_prime(n: u64) -> bool {
    const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    if n < 2 || BASES.contains(&n) {
        return n >= 2;
    }
    if BASES.iter().any(|base| n.is_multiple_of(*base)) {
        return false;
    }
    let twos = (n - 1).trailing_zeros();
    BASES.iter().all(|base| {
        let mut x = power(*base, (n - 1) >> twos, n);
        x == 1
            || (0..twos).any(|_| {
                let strong = x == n - 1;
                x = mul(x, x, n);
                strong
            })
    })
}

#[cfg(test)]
mod tests {
    use super::{factorize, is_prime};

    /// Breaks when the products that Telegram sends are not factored.
    #[test]
    fn products_of_primes() {
        for (p, q) in [
            (1_206_429_347, 1_218_991_343),
            (1_518_968_219, 1_556_064_227),
            (2_147_483_629, 2_147_483_647),
            (2, 3),
            (3, 5),
            (3, 4_294_967_291),
        ] {
            assert_eq!(factorize(p * q), Some((p, q)));
        }
    }

    /// Breaks when a hostile number makes it panic, hang or lie.
    #[test]
    fn other_numbers() {
        for n in [
            0,
            1,
            2,
            4,
            9,
            25,
            2_147_483_647,
            2_147_483_647 * 2_147_483_647,
            30,
            u64::MAX,
        ] {
            assert_eq!(factorize(n), None, "{n}");
        }
        assert!(is_prime(18_446_744_073_709_551_557));
        assert!(!is_prime(3_215_031_751));
        assert!(
            (0..30)
                .filter(|n| is_prime(*n))
                .eq([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])
        );
    }
}
