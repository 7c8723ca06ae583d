use std::collections::{HashSet, VecDeque};

use bytes::{BufMut, BytesMut};
use sluice_domain::Random;
use subtle::ConstantTimeEq;

use super::client::sized;
use super::read::Read;
use super::{
    APPLICATION_DATA, FIRST_VERSION, HANDSHAKE, NOTHING, RANDOM, RECORD, TIMED, TlsError, VERSION,
    curve, digest, put, record,
};
use crate::transport::SecretKey;

/// How far the clock of a client may be off, in seconds, either way.
const SKEW: u64 = 120;
/// Hellos that are remembered: each for as long as its time would let it pass. More than these at
/// once, and new ones are refused rather than old ones forgotten.
const REMEMBERED: usize = 16_384;
/// Invented suites end like this, in both bytes. RFC 8701.
const INVENTED: usize = 0x0a0a;
/// As long as a certificate and what goes with it, so many bytes and some more.
const CERTIFICATE: (u64, u64) = (1024, 3092);

/// The server's end of the handshakes of one secret: lets in who knows it, once per hello.
pub struct Doorkeeper {
    key: SecretKey,
    domain: String,
    seen: HashSet<[u8; 32]>,
    /// The same, in the order of coming, with the time of coming.
    order: VecDeque<(u64, [u8; 32])>,
}

impl Doorkeeper {
    /// For a secret of this key and domain.
    pub fn new(key: SecretKey, domain: impl Into<String>) -> Self {
        Self {
            key,
            domain: domain.into(),
            seen: HashSet::new(),
            order: VecDeque::new(),
        }
    }

    /// Looks for a client's hello, takes it off the buffer, and answers it. `None` while it is
    /// incomplete. `unix` is the time in seconds.
    pub fn receive(
        &mut self,
        buffer: &mut BytesMut,
        unix: u64,
        random: &dyn Random,
    ) -> Result<Option<BytesMut>, TlsError> {
        let Some((kind, version, whole)) = record(buffer)? else {
            return Ok(None);
        };
        if kind != HANDSHAKE || version != FIRST_VERSION {
            return Err(TlsError::Hello);
        }
        let mut hello = buffer.split_to(whole);
        let read = read(&hello).ok_or(TlsError::Hello)?;
        let (domain, session, suite) = (read.domain.to_vec(), read.session.to_vec(), read.suite);
        let mut claimed = read.random;
        put(&mut hello, RANDOM.start, &[0; 32]);
        let proof = digest(&self.key, &[&hello]);
        let random_bytes = claimed;
        let (same, time) = {
            for (claimed, proof) in claimed.iter_mut().zip(proof) {
                *claimed ^= proof;
            }
            claimed.split_at(TIMED)
        };
        if !bool::from(same.ct_eq(&[0; TIMED])) {
            return Err(TlsError::Digest);
        }
        if domain != self.domain.as_bytes() {
            return Err(TlsError::Domain);
        }
        let time = time.first_chunk().map_or(0, |t| u32::from_le_bytes(*t));
        let off = unix.abs_diff(u64::from(time));
        if off > SKEW {
            return Err(TlsError::Time(off));
        }
        self.remember(random_bytes, unix)?;
        Ok(Some(answer(
            &self.key,
            &random_bytes,
            &session,
            suite,
            random,
        )))
    }

    /// Each hello passes once.
    fn remember(&mut self, hello: [u8; 32], unix: u64) -> Result<(), TlsError> {
        while let Some((at, old)) = self.order.front() {
            // One from the future stays good for twice the time.
            if at + 2 * SKEW >= unix {
                break;
            }
            self.seen.remove(old);
            self.order.pop_front();
        }
        if self.order.len() >= REMEMBERED || !self.seen.insert(hello) {
            return Err(TlsError::Replayed);
        }
        self.order.push_back((unix, hello));
        Ok(())
    }
}

/// What matters of a client's hello.
struct Hello<'a> {
    random: [u8; 32],
    session: &'a [u8],
    suite: u16,
    domain: &'a [u8],
}

fn read(record: &[u8]) -> Option<Hello<'_>> {
    let mut record = Read::new(record.get(RECORD..)?);
    if record.number(1)? != 1 {
        return None;
    }
    let mut hello = Read::new(record.sized(3)?);
    if !record.is_empty() || hello.take(2)? != VERSION {
        return None;
    }
    let random = *hello.take(32)?.first_chunk()?;
    let session = hello.sized(1)?;
    let suite = suite(hello.sized(2)?)?;
    hello.sized(1)?;
    let mut extensions = Read::new(hello.sized(2)?);
    let mut domain = None;
    while !extensions.is_empty() {
        let kind = extensions.number(2)?;
        let body = extensions.sized(2)?;
        if kind == 0 {
            let mut names = Read::new(Read::new(body).sized(2)?);
            if names.number(1)? != 0 {
                return None;
            }
            domain = Some(names.sized(2)?);
        }
    }
    (session.len() <= 32).then_some(Hello {
        random,
        session,
        suite,
        domain: domain?,
    })
}

/// The first suite that is not invented.
fn suite(suites: &[u8]) -> Option<u16> {
    let mut suites = Read::new(suites);
    loop {
        let suite = suites.number(2)?;
        if suite & 0x0f0f != INVENTED {
            return u16::try_from(suite).ok();
        }
    }
}

/// A server's hello, the empty record, and what looks like the rest of its handshake.
fn answer(
    key: &SecretKey,
    client: &[u8; 32],
    session: &[u8],
    suite: u16,
    random: &dyn Random,
) -> BytesMut {
    let mut out = BytesMut::new();
    out.put_u8(HANDSHAKE);
    out.put_slice(&VERSION);
    sized(&mut out, 2, |out| {
        // A server's hello.
        out.put_u8(2);
        sized(out, 3, |out| {
            out.put_slice(&VERSION);
            out.put_slice(&[0; 32]);
            sized(out, 1, |out| out.put_slice(session));
            out.put_u16(suite);
            out.put_u8(0);
            sized(out, 2, |out| {
                // A key for X25519.
                out.put_u16(51);
                sized(out, 2, |out| {
                    out.put_u16(0x001d);
                    sized(out, 2, |out| out.put_slice(&curve::public_key(random)));
                });
                // TLS 1.3.
                out.put_u16(43);
                sized(out, 2, |out| out.put_slice(&[3, 4]));
            });
        });
    });
    out.put_slice(&NOTHING);
    let (least, more) = CERTIFICATE;
    let mut rest = vec![0; usize::try_from(least + random.u64() % more).unwrap_or(1024)];
    random.fill(&mut rest);
    out.put_u8(APPLICATION_DATA);
    out.put_slice(&VERSION);
    sized(&mut out, 2, |out| out.put_slice(&rest));
    let proof = digest(key, &[client, &out]);
    put(&mut out, RANDOM.start, &proof);
    out
}

#[cfg(test)]
mod tests {
    use super::{Doorkeeper, REMEMBERED, SKEW, TlsError};

    /// Breaks when the door remembers without a bound, forgets what may still come again, or stays
    /// shut when there is room.
    #[test]
    fn memory_is_bounded() {
        let mut door = Doorkeeper::new([1; 16], "example.com");
        let hello = |n: usize| {
            let mut hello = [0; 32];
            hello[..8].copy_from_slice(&n.to_le_bytes());
            hello
        };
        for n in 0..REMEMBERED {
            assert_eq!(door.remember(hello(n), 1_000), Ok(()));
        }
        let late = 1_000 + 2 * SKEW;
        let full = door.remember(hello(REMEMBERED), late);
        assert_eq!(full, Err(TlsError::Replayed));
        assert_eq!(door.remember(hello(0), late), Err(TlsError::Replayed));
        assert_eq!(door.remember(hello(REMEMBERED), late + 1), Ok(()));
        assert_eq!(door.order.len(), 1);
        assert_eq!(door.seen.len(), 1);
    }
}
