use bytes::{BufMut, BytesMut};
use sluice_domain::Random;
use subtle::ConstantTimeEq;

use super::{
    APPLICATION_DATA, FIRST_VERSION, HANDSHAKE, NOTHING, RANDOM, TIMED, TlsError, VERSION, curve,
    digest, put, record,
};
use crate::transport::SecretKey;

/// A hello is this long, as a browser's was for years: some proxies take no other.
const LENGTH: usize = 517;
/// Cipher suites after the invented one: those of TLS 1.3, then those of 1.2 in a browser's order.
const SUITES: [u16; 15] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
    0x009d, 0x002f, 0x0035,
];
/// Ways to sign, in a browser's order.
const SIGNATURES: [u16; 8] = [
    0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
];
/// Groups after the invented one: X25519, P-256, P-384.
const GROUPS: [u16; 3] = [0x001d, 0x0017, 0x0018];
/// The extension that fills up.
const PADDING: u16 = 21;

/// A client that has said hello and waits for the answer.
pub struct ClientHandshake {
    key: SecretKey,
    random: [u8; 32],
}

impl ClientHandshake {
    /// Says hello: what to send first. `unix` is the time in seconds. A domain has 1 to 182 bytes.
    pub fn start(
        key: &SecretKey,
        domain: &str,
        unix: u64,
        random: &dyn Random,
    ) -> (Self, BytesMut) {
        let mut hello = hello(domain, random);
        let mut proof = digest(key, &[&hello]);
        // The lower half of the time, as everybody reads it; good until 2106.
        let time = (unix & 0xffff_ffff).to_le_bytes();
        for (byte, time) in proof.iter_mut().skip(TIMED).zip(time) {
            *byte ^= time;
        }
        put(&mut hello, RANDOM.start, &proof);
        let this = Self {
            key: *key,
            random: proof,
        };
        (this, hello)
    }

    /// Looks for the server's hello, and takes it off the buffer. `false` while it is incomplete.
    pub fn receive(&self, buffer: &mut BytesMut) -> Result<bool, TlsError> {
        let Some((kind, version, first)) = record(buffer)? else {
            return Ok(false);
        };
        if kind != HANDSHAKE || version != VERSION || first < RANDOM.end {
            return Err(TlsError::Hello);
        }
        let rest = buffer.get(first..).unwrap_or_default();
        let Some(after) = rest.get(NOTHING.len()..) else {
            return Ok(false);
        };
        if !rest.starts_with(&NOTHING) {
            return Err(TlsError::Hello);
        }
        let Some((kind, version, last)) = record(after)? else {
            return Ok(false);
        };
        if kind != APPLICATION_DATA || version != VERSION {
            return Err(TlsError::Hello);
        }
        let mut answer = buffer.split_to(first + NOTHING.len() + last);
        let claimed = answer.get(RANDOM).unwrap_or_default().to_vec();
        put(&mut answer, RANDOM.start, &[0; 32]);
        let proof = digest(&self.key, &[&self.random, &answer]);
        if bool::from(proof[..].ct_eq(&claimed)) {
            Ok(true)
        } else {
            Err(TlsError::Digest)
        }
    }
}

/// A hello as a browser says it, with zeros for its random bytes.
fn hello(domain: &str, random: &dyn Random) -> BytesMut {
    let grease = Grease::draw(random);
    let mut session = [0; 32];
    random.fill(&mut session);

    let mut out = BytesMut::with_capacity(LENGTH);
    out.put_u8(HANDSHAKE);
    out.put_slice(&FIRST_VERSION);
    sized(&mut out, 2, |out| {
        // A client's hello.
        out.put_u8(1);
        sized(out, 3, |out| {
            out.put_slice(&VERSION);
            out.put_slice(&[0; 32]);
            sized(out, 1, |out| out.put_slice(&session));
            sized(out, 2, |out| {
                out.put_u16(grease.suite);
                numbers(out, &SUITES);
            });
            // No compression.
            out.put_slice(&[1, 0]);
            sized(out, 2, |out| extensions(out, domain, &grease, random));
        });
    });
    out
}

/// Browsers send their extensions in a new order each time, between two invented ones; what is
/// missing to the usual length stands at the end.
fn extensions(out: &mut BytesMut, domain: &str, grease: &Grease, random: &dyn Random) {
    extension(out, grease.first, |_| {});
    let mut all = middle(domain, grease, random);
    for left in (1..all.len()).rev() {
        let at = random.u64() % (left as u64 + 1);
        all.swap(left, usize::try_from(at).unwrap_or(left));
    }
    for one in &all {
        out.put_slice(one);
    }
    extension(out, grease.last, |out| out.put_u8(0));
    // The header of the padding counts too.
    let missing = LENGTH.saturating_sub(out.len() + 4);
    extension(out, PADDING, |out| out.put_bytes(0, missing));
}

fn middle(domain: &str, grease: &Grease, random: &dyn Random) -> Vec<BytesMut> {
    let one = |kind, body: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        extension(&mut out, kind, |out| body(out));
        out
    };
    vec![
        // The name of the server, as a host name.
        one(0, &|out| {
            sized(out, 2, |out| {
                out.put_u8(0);
                sized(out, 2, |out| out.put_slice(domain.as_bytes()));
            });
        }),
        // Status by OCSP.
        one(5, &|out| out.put_slice(&[1, 0, 0, 0, 0])),
        // Groups.
        one(10, &|out| {
            sized(out, 2, |out| {
                out.put_u16(grease.group);
                numbers(out, &GROUPS);
            });
        }),
        // Forms of points.
        one(11, &|out| out.put_slice(&[1, 0])),
        one(13, &|out| {
            sized(out, 2, |out| {
                numbers(out, &SIGNATURES);
            });
        }),
        // Protocols to be spoken.
        one(16, &|out| protocols(out, &["h2", "http/1.1"])),
        // Certificate transparency, extended master secret, tickets: asked for.
        one(18, &|_| {}),
        one(23, &|_| {}),
        one(35, &|_| {}),
        // Certificates compressed by brotli.
        one(27, &|out| out.put_slice(&[2, 0, 2])),
        // TLS 1.3 and 1.2.
        one(43, &|out| {
            sized(out, 1, |out| {
                out.put_u16(grease.version);
                out.put_slice(&[3, 4, 3, 3]);
            });
        }),
        // How a session is resumed.
        one(45, &|out| out.put_slice(&[1, 1])),
        // A key for X25519.
        one(51, &|out| {
            sized(out, 2, |out| {
                out.put_u16(grease.group);
                sized(out, 2, |out| out.put_u8(0));
                out.put_u16(0x001d);
                sized(out, 2, |out| out.put_slice(&curve::public_key(random)));
            });
        }),
        // Settings of protocols.
        one(0x4469, &|out| protocols(out, &["h2"])),
        // Renegotiation.
        one(0xff01, &|out| out.put_u8(0)),
    ]
}

fn numbers(out: &mut BytesMut, numbers: &[u16]) {
    for number in numbers {
        out.put_u16(*number);
    }
}

fn protocols(out: &mut BytesMut, names: &[&str]) {
    sized(out, 2, |out| {
        for name in names {
            sized(out, 1, |out| out.put_slice(name.as_bytes()));
        }
    });
}

fn extension(out: &mut BytesMut, kind: u16, body: impl FnOnce(&mut BytesMut)) {
    out.put_u16(kind);
    sized(out, 2, body);
}

/// Writes a body with its length, of so many bytes, before it.
pub(super) fn sized(out: &mut BytesMut, bytes: usize, body: impl FnOnce(&mut BytesMut)) {
    let at = out.len();
    out.put_bytes(0, bytes);
    body(out);
    let length = (out.len() - at - bytes) as u64;
    let length = length.to_be_bytes();
    put(out, at, length.get(8 - bytes..).unwrap_or_default());
}

/// Invented values, which a server must pass over: whoever does not is found out early.
struct Grease {
    suite: u16,
    group: u16,
    version: u16,
    first: u16,
    last: u16,
}

impl Grease {
    fn draw(random: &dyn Random) -> Self {
        let drawn = random.u64().to_le_bytes();
        let [suite, group, version, first, mut last, ..] = drawn.map(|b| b & 0xf0 | 0x0a);
        if last == first {
            // No extension may be there twice.
            last ^= 0x10;
        }
        let twice = |b| u16::from_be_bytes([b, b]);
        Self {
            suite: twice(suite),
            group: twice(group),
            version: twice(version),
            first: twice(first),
            last: twice(last),
        }
    }
}
