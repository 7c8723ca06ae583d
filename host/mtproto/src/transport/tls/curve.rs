//! X25519 as far as a hello needs it: a public key that is one. Bytes that are no point of the curve
//! can be told from a key by whoever looks on. Nothing secret depends on it, so it need not run in
//! constant time.
//!
//! Source: RFC 7748, section 5.

use num_bigint::BigUint;
use sluice_domain::Random;

/// A public key of a random secret that nobody keeps.
pub(super) fn public_key(random: &dyn Random) -> [u8; 32] {
    let mut scalar = [0; 32];
    random.fill(&mut scalar);
    x25519(scalar, &[9])
}

/// The u coordinate of a multiple of the point with this u coordinate, both little endian.
fn x25519(mut scalar: [u8; 32], u: &[u8]) -> [u8; 32] {
    let [first, .., last] = &mut scalar;
    *first &= 0b1111_1000;
    *last = *last & 0b0111_1111 | 0b0100_0000;
    let scalar = BigUint::from_bytes_le(&scalar);
    let field = Field::new();
    let base = BigUint::from_bytes_le(u) % &field.p;
    // Two neighbouring multiples of the point, as fractions; a step up the ladder doubles one of
    // them and adds the other.
    let (mut x2, mut z2) = (BigUint::from(1_u8), BigUint::ZERO);
    let (mut x3, mut z3) = (base.clone(), BigUint::from(1_u8));
    for bit in (0..255).rev() {
        let swap = scalar.bit(bit);
        if swap {
            std::mem::swap(&mut x2, &mut x3);
            std::mem::swap(&mut z2, &mut z3);
        }
        let (sum, difference) = (field.add(&x2, &z2), field.subtract(&x2, &z2));
        let (sum2, difference2) = (field.square(&sum), field.square(&difference));
        let e = field.subtract(&sum2, &difference2);
        let across = field.multiply(&field.subtract(&x3, &z3), &sum);
        let along = field.multiply(&field.add(&x3, &z3), &difference);
        x3 = field.square(&field.add(&across, &along));
        z3 = field.multiply(&base, &field.square(&field.subtract(&across, &along)));
        x2 = field.multiply(&sum2, &difference2);
        let scaled = field.multiply(&BigUint::from(121_665_u32), &e);
        z2 = field.multiply(&e, &field.add(&sum2, &scaled));
        if swap {
            std::mem::swap(&mut x2, &mut x3);
            std::mem::swap(&mut z2, &mut z3);
        }
    }
    let inverse = z2.modpow(&(&field.p - 2_u8), &field.p);
    let mut out = [0; 32];
    super::put(&mut out, 0, &field.multiply(&x2, &inverse).to_bytes_le());
    out
}

/// Numbers modulo 2^255 - 19.
struct Field {
    p: BigUint,
}

impl Field {
    fn new() -> Self {
        let p = (BigUint::from(1_u8) << 255) - 19_u8;
        Self { p }
    }

    fn add(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (a + b) % &self.p
    }

    fn subtract(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (a + &self.p - b) % &self.p
    }

    fn multiply(&self, a: &BigUint, b: &BigUint) -> BigUint {
        a * b % &self.p
    }

    fn square(&self, a: &BigUint) -> BigUint {
        self.multiply(a, a)
    }
}

#[cfg(test)]
mod tests {
    use super::x25519;

    fn bytes(hex: &str) -> [u8; 32] {
        std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    /// Breaks when what a hello shows is no key of X25519. RFC 7748, 5.2.
    #[test]
    fn vectors_of_the_standard() {
        assert_eq!(
            x25519(
                bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                &bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            ),
            bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
        );
        let mut nine = [0; 32];
        nine[0] = 9;
        assert_eq!(
            x25519(nine, &nine),
            bytes("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079")
        );
    }
}
