use std::sync::Arc;

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

/// An authorization key: 2,048 bits shared with a data center. Cheap to clone, wiped with its last
/// clone, and without any printed form.
///
/// Source: <https://core.telegram.org/mtproto/description#authorization-key>.
#[derive(Clone)]
pub struct AuthKey {
    bytes: Arc<Zeroizing<[u8; 256]>>,
    id: u64,
    aux_hash: [u8; 8],
}

impl AuthKey {
    /// A key from its bytes, big-endian with leading zeros.
    pub fn from_bytes(bytes: [u8; 256]) -> Self {
        let digest: [u8; 20] = Sha1::digest(bytes).into();
        let [a0, a1, a2, a3, a4, a5, a6, a7, _, _, _, _, id @ ..] = digest;
        Self {
            bytes: Arc::new(Zeroizing::new(bytes)),
            id: u64::from_le_bytes(id),
            aux_hash: [a0, a1, a2, a3, a4, a5, a6, a7],
        }
    }

    /// The 64 lower bits of the key's SHA-1, which stand at the beginning of every packet.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// The secret itself, for sealing it at rest. Every caller is a place to look at in a review.
    pub fn expose(&self) -> &[u8; 256] {
        &self.bytes
    }

    /// The 64 higher bits of the key's SHA-1, used by the exchange only.
    pub(crate) const fn aux_hash(&self) -> [u8; 8] {
        self.aux_hash
    }
}

#[cfg(test)]
mod tests {
    use super::AuthKey;

    /// Breaks when the id is taken from the wrong end of the digest or in the wrong byte order.
    #[test]
    fn id_and_aux_hash_of_a_known_key() {
        let mut bytes = [0; 256];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(at).unwrap();
        }
        let key = AuthKey::from_bytes(bytes);
        assert_eq!(
            key.id().to_le_bytes(),
            [50, 209, 88, 110, 164, 87, 223, 200]
        );
        assert_eq!(key.aux_hash(), [73, 22, 214, 189, 183, 247, 142, 104]);
    }
}
