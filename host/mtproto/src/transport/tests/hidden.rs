use bytes::BytesMut;
use proptest::prelude::*;

use super::feed;
use super::padded::packet;
use crate::testing::Dice;
use crate::transport::obfuscated::{Announced, HEADER, Obfuscation};
use crate::transport::tls::Records;
use crate::transport::{Frame, Framing, FramingError, Kind};

const KINDS: [Kind; 3] = [Kind::Abridged, Kind::Intermediate, Kind::Padded];

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(&KINDS[..])
}

/// The server's framing of a hidden stream, from its first bytes.
fn accept(stream: &mut BytesMut, secret: Option<&[u8; 16]>) -> (Obfuscation, Announced) {
    let header = stream.split_to(HEADER);
    Obfuscation::server(header[..].try_into().unwrap(), secret).unwrap()
}

fn frames(packets: &[Vec<u8>]) -> Vec<Frame> {
    let packets = packets.iter();
    packets
        .map(|p| Frame::Packet(BytesMut::from(&p[..])))
        .collect()
}

proptest! {
    /// Breaks when a server does not find out what is hidden, or the ends fall out of step.
    #[test]
    fn both_ends_understand_each_other(
        kind in kinds(),
        dc: i16,
        packets in proptest::collection::vec(packet(), 1..5),
        step in 1_usize..200,
        seed: u64,
    ) {
        let dice = Dice::new(seed);
        let mut client = Framing::hidden(kind, dc, None, &dice);
        let mut stream = BytesMut::new();
        for packet in &packets {
            client.encode(packet, &mut stream);
        }
        prop_assert!(Framing::detect(&mut BytesMut::from(&stream[..HEADER - 1])).unwrap().is_none());
        let mut server = Framing::detect(&mut stream).unwrap().unwrap().seeded(&dice);
        prop_assert_eq!(server.kind(), kind);
        prop_assert_eq!(feed(&mut server, &stream, step), frames(&packets));
        let mut back = BytesMut::new();
        for packet in &packets {
            server.encode(packet, &mut back);
        }
        prop_assert_eq!(feed(&mut client, &back, step), frames(&packets));
    }

    /// Breaks when a proxy cannot read what the client tells it, or when it can without the secret.
    #[test]
    fn a_proxy_needs_the_secret(kind in kinds(), dc: i16, seed: u64, secret: [u8; 16], flip in 0_usize..128) {
        let dice = Dice::new(seed);
        let (mut client, header) = Obfuscation::client(Announced { kind, dc }, Some(&secret), &dice);
        let (mut proxy, announced) = Obfuscation::server(&header, Some(&secret)).unwrap();
        prop_assert_eq!(announced, Announced { kind, dc });
        let mut bytes = *b"forth and back";
        client.encrypt(&mut bytes);
        prop_assert_ne!(&bytes, b"forth and back");
        proxy.decrypt(&mut bytes);
        proxy.encrypt(&mut bytes);
        client.decrypt(&mut bytes);
        prop_assert_eq!(&bytes, b"forth and back");

        let mut wrong = secret;
        wrong[flip / 8] ^= 1 << (flip % 8);
        prop_assert_eq!(Obfuscation::server(&header, Some(&wrong)).err(), Some(FramingError::Unknown));
        prop_assert_eq!(Obfuscation::server(&header, None).err(), Some(FramingError::Unknown));
    }

    /// Breaks when records lose, double or reorder something, however the network cuts them.
    #[test]
    fn in_records(
        packets in proptest::collection::vec(packet(), 1..5),
        large in 0_usize..2000,
        step in 1_usize..3000,
        seed: u64,
        secret: [u8; 16],
    ) {
        let dice = Dice::new(seed);
        let mut packets = packets;
        packets.push(vec![1; 24 + large * 16]);
        let mut client = Framing::hidden(Kind::Padded, 2, Some(&secret), &dice)
            .in_records(Records::client());
        let mut stream = BytesMut::new();
        for packet in &packets {
            client.encode(packet, &mut stream);
        }
        prop_assert_eq!(&stream[..6], &[20, 3, 3, 0, 1, 1]);
        let (mut records, mut inside) = (Records::server(), BytesMut::new());
        let mut buffer = BytesMut::new();
        for piece in stream.chunks(step) {
            buffer.extend_from_slice(piece);
            records.unwrap(&mut buffer, &mut inside).unwrap();
        }
        prop_assert!(buffer.is_empty());
        let (mut cipher, announced) = accept(&mut inside, Some(&secret));
        prop_assert_eq!(announced, Announced { kind: Kind::Padded, dc: 2 });
        cipher.decrypt(&mut inside);
        let mut server = Framing::server(Kind::Padded).seeded(&dice);
        prop_assert_eq!(feed(&mut server, &inside, step), frames(&packets));

        let mut plain = BytesMut::new();
        for packet in &packets {
            server.encode(packet, &mut plain);
        }
        cipher.encrypt(&mut plain);
        let mut back = BytesMut::new();
        records.wrap(&plain, &mut back);
        prop_assert_eq!(feed(&mut client, &back, step), frames(&packets));
    }

    /// Breaks when any bytes make an end panic.
    #[test]
    fn no_stream_panics(stream in proptest::collection::vec(any::<u8>(), 0..400), seed: u64, records: bool) {
        let dice = Dice::new(seed);
        let mut end = Framing::hidden(Kind::Padded, 2, None, &dice);
        if records {
            end = end.in_records(Records::client());
        }
        let mut buffer = BytesMut::from(&stream[..]);
        while let Ok(Some(_)) = end.decode(&mut buffer) {}
        let mut buffer = BytesMut::from(&stream[..]);
        if let Ok(Some(mut end)) = Framing::detect(&mut buffer) {
            while let Ok(Some(_)) = end.decode(&mut buffer) {}
        }
    }
}

/// Breaks when the first bytes may be taken for another protocol.
#[test]
fn headers_look_like_nothing_else() {
    for seed in 0..20_000 {
        let announced = Announced {
            kind: Kind::Abridged,
            dc: 1,
        };
        let (_, header) = Obfuscation::client(announced, None, &Dice::new(seed));
        assert_ne!(header[0], 0xef);
        assert_ne!(header[4..8], [0; 4]);
        for taken in [b"HEAD", b"POST", b"GET ", b"OPTI"] {
            assert_ne!(&header[..4], taken);
        }
    }
}

/// Breaks when the derivation of the keys changes in both roles at once: a header that Telethon
/// made, and what it sent behind it.
#[test]
fn headers_of_another_client() {
    for vector in VECTORS {
        let bytes = |hex: &str| -> Vec<u8> {
            let pairs = (0..hex.len()).step_by(2);
            pairs
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect()
        };
        let secret = vector.secret.map(|hex| bytes(hex).try_into().unwrap());
        let mut stream = BytesMut::from(&bytes(vector.stream)[..]);
        let (mut cipher, announced) = accept(&mut stream, secret.as_ref());
        assert_eq!(announced, vector.announced);
        cipher.decrypt(&mut stream);
        assert_eq!(stream, vector.says.as_bytes());
        let mut answer = BytesMut::from(vector.says.as_bytes());
        cipher.encrypt(&mut answer);
        assert_eq!(answer, bytes(vector.answer));
    }
}

struct Vector {
    secret: Option<&'static str>,
    stream: &'static str,
    announced: Announced,
    says: &'static str,
    /// The same text as the server sends it.
    answer: &'static str,
}

const VECTORS: [Vector; 3] = [
    Vector {
        secret: None,
        stream: "38b4e652e44da7f2370d9e260e27136550a4a3a6d07f5c0c332f8b1224083fd22b902f8911e81818f8c99d5d5d9831957504d90e945de2e801d5cfc069e12745ad53c56f3446f358f93fed",
        announced: Announced {
            kind: Kind::Abridged,
            dc: 30156,
        },
        says: "Sluice asks",
        answer: "47a2882b3f5cbc5745474c",
    },
    Vector {
        secret: Some("367a189aee18fa31c190054efd4a8e95"),
        stream: "d85099095aa300165a67036f9b540d6b8f0be21124179c3dd9f73817ce6e118d264aad6cb6dd210faf94acd3cf92c190237cb11f5d108cf2149524f71273911b080ef11d35c2fe1ca235f7",
        announced: Announced {
            kind: Kind::Intermediate,
            dc: -4,
        },
        says: "Sluice asks",
        answer: "5e6b07e9ae906ae3bb6686",
    },
    Vector {
        secret: Some("367a189aee18fa31c190054efd4a8e95"),
        stream: "b5769fa0f1483f95a90d9df2f130d60fcf04bd93f50ae69514da8c659ce2b10cccdaebf990d19838b0d7ec0b3e97818ecb96c4dbadbe172267cfaf81d57f887e73ee5fa47256a98cfc9cef",
        announced: Announced {
            kind: Kind::Padded,
            dc: 10002,
        },
        says: "Sluice asks",
        answer: "f96f799713669b97fb5eaa",
    },
];
