use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sluice_domain::{Random, Secret, StoreError};
use zeroize::Zeroizing;

use crate::DataDir;

/// Version 1: `01 | nonce (24) | XChaCha20-Poly1305 ciphertext and tag`.
const VERSION: u8 = 1;
const NONCE: usize = 24;
const KEY: usize = 32;

/// Seals secrets at rest with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) under a master key. The
/// nonce is random; 192 bits make a repeat out of the question. What a secret belongs to is
/// authenticated with it, so that sealed bytes moved to another row do not open.
#[derive(Clone)]
pub struct Vault {
    cipher: Arc<XChaCha20Poly1305>,
    random: Arc<dyn Random>,
}

/// What a sealed value belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// The account's name; empty for the gateway's own.
    pub account: &'a str,
    /// Which of its secrets.
    pub item: &'a str,
}

impl Place<'_> {
    /// Version, then each part behind its length: no two places have the same bytes.
    fn associated_data(&self) -> Vec<u8> {
        let mut data = vec![VERSION];
        for part in [self.account, self.item] {
            data.extend_from_slice(&(part.len() as u64).to_le_bytes());
            data.extend_from_slice(part.as_bytes());
        }
        data
    }
}

impl Vault {
    /// A vault with a master key given as 32 bytes, or as base64 or hex text of them.
    pub fn from_key(key: &Secret<Vec<u8>>, random: Arc<dyn Random>) -> Result<Self, StoreError> {
        let key = parse_key(key.expose()).ok_or_else(|| {
            StoreError::Damaged("the master key is not 32 bytes, nor base64 or hex of them".into())
        })?;
        let cipher = XChaCha20Poly1305::new_from_slice(&key)
            .map_err(|_| StoreError::Damaged("the master key has a wrong length".into()))?;
        Ok(Self {
            cipher: Arc::new(cipher),
            random,
        })
    }

    /// A vault with the master key in a file. With `create`, a file that is not there is made (0600).
    pub fn from_file(
        file: &Path,
        create: bool,
        random: Arc<dyn Random>,
    ) -> Result<Self, StoreError> {
        let unavailable = |e| StoreError::Unavailable(format!("{}: {e}", file.display()));
        if create && !file.exists() {
            make_key_file(file, random.as_ref()).map_err(unavailable)?;
        }
        let mode = fs::metadata(file)
            .map_err(unavailable)?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            tracing::warn!(file = %file.display(), "others than its owner can read the master key");
        }
        let key = Secret::new(fs::read(file).map_err(unavailable)?);
        Self::from_key(&key, random)
    }

    /// The vault of a data directory: its `master.key`, which is made along with a new database, and
    /// never for one that is there already.
    pub fn of(dir: &DataDir, random: Arc<dyn Random>) -> Result<Self, StoreError> {
        Self::from_file(&dir.master_key(), !dir.database().exists(), random)
    }

    pub(crate) fn seal(&self, place: Place<'_>, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE] = self.random_bytes();
        let payload = Payload {
            msg: secret,
            aad: &place.associated_data(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Damaged("a secret is too long to seal".into()))?;
        let mut bytes = Vec::with_capacity(1 + NONCE + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    pub(crate) fn open(
        &self,
        place: Place<'_>,
        bytes: &[u8],
    ) -> Result<Secret<Vec<u8>>, StoreError> {
        let refused = || {
            StoreError::Damaged(format!(
                "the sealed {} of {:?} does not open with this master key",
                place.item, place.account
            ))
        };
        let (version, rest) = bytes.split_first().ok_or_else(refused)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(refused)?;
        if *version != VERSION {
            return Err(refused());
        }
        let payload = Payload {
            msg: sealed,
            aad: &place.associated_data(),
        };
        self.cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map(Secret::new)
            .map_err(|_| refused())
    }

    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }
}

fn parse_key(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if bytes.len() == KEY {
        return Some(Zeroizing::new(bytes.to_vec()));
    }
    let text = std::str::from_utf8(bytes).ok()?.trim();
    let key = if text.len() == 2 * KEY {
        parse_hex(text)?
    } else {
        STANDARD.decode(text).ok()?
    };
    let key = Zeroizing::new(key);
    (key.len() == KEY).then_some(key)
}

fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = Zeroizing::new(digits?);
    let (pairs, _) = digits.as_chunks::<2>();
    Some(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// Written beside and renamed, so that a crash leaves a whole key or none.
fn make_key_file(file: &Path, random: &dyn Random) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0; KEY]);
    random.fill(key.as_mut_slice());
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(key.as_slice())));
    let beside = file.with_extension("key.new");
    let mut made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)?;
    made.write_all(text.as_bytes())?;
    made.sync_all()?;
    fs::rename(&beside, file)?;
    match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}
