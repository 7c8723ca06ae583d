use bytes::{BufMut, BytesMut};
use proptest::prelude::*;

use super::feed;
use crate::testing::Dice;
use crate::transport::{Frame, Framing, FramingError, Kind};

/// Packets as they are: encrypted ones, of whole blocks, and plain ones, which say their length.
pub(super) fn packet() -> impl Strategy<Value = Vec<u8>> {
    let encrypted = (1_usize..60)
        .prop_flat_map(|blocks| proptest::collection::vec(any::<u8>(), 24 + blocks * 16))
        .prop_map(|mut packet| {
            packet[0] |= 1;
            packet
        });
    let plain = (1_usize..200)
        .prop_flat_map(|words| proptest::collection::vec(any::<u8>(), words * 4))
        .prop_map(|data| {
            let mut packet = vec![0; 8];
            packet.put_u64(7);
            packet.put_u32_le(u32::try_from(data.len()).unwrap());
            packet.extend(data);
            packet
        });
    prop_oneof![encrypted, plain]
}

proptest! {
    /// Breaks when padding is taken for a part of the packet, or the packet for padding.
    #[test]
    fn padding_is_cut_off_again(
        packets in proptest::collection::vec(packet(), 1..5),
        step in 1_usize..200,
        seed: u64,
    ) {
        let dice = Dice::new(seed);
        let mut client = Framing::client(Kind::Padded).seeded(&dice);
        let mut stream = BytesMut::new();
        for packet in &packets {
            client.encode(packet, &mut stream);
        }
        let mut server = Framing::detect(&mut stream).unwrap().unwrap().seeded(&dice);
        prop_assert_eq!(server.kind(), Kind::Padded);
        let sent: Vec<_> = packets.iter().map(|p| Frame::Packet(BytesMut::from(&p[..]))).collect();
        prop_assert_eq!(&feed(&mut server, &stream, step), &sent);
        let mut back = BytesMut::new();
        for packet in &packets {
            server.encode(packet, &mut back);
        }
        prop_assert_eq!(feed(&mut client, &back, step), sent);
    }
}

/// Breaks when lengths tell what was sent, or when the server pads more than all clients can take.
#[test]
fn lengths_vary() {
    let dice = Dice::new(1);
    for (client, most) in [(true, 15), (false, 3)] {
        let mut end = if client {
            Framing::client(Kind::Padded)
        } else {
            Framing::server(Kind::Padded)
        }
        .seeded(&dice);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..500 {
            let mut stream = BytesMut::new();
            end.encode(&[1; 40], &mut stream);
            seen.insert((stream.len() - 44) % 4096);
        }
        // The first frame bears the announcement as well.
        let lengths: Vec<usize> = seen.into_iter().filter(|l| *l <= most).collect();
        assert_eq!(lengths, (0..=most).collect::<Vec<_>>());
    }
}

/// Breaks when a transport error with padding behind it is taken for a packet.
#[test]
fn errors_may_be_padded() {
    for pad in 0..=15 {
        let mut stream = BytesMut::new();
        stream.put_u32_le(4 + pad);
        stream.put_i32_le(-404);
        stream.put_bytes(0xab, pad as usize);
        assert_eq!(
            Framing::client(Kind::Padded).decode(&mut stream),
            Ok(Some(Frame::TransportError(404)))
        );
        assert!(stream.is_empty());
    }
    let mut short = BytesMut::from(&[3, 0, 0, 0, 1, 2, 3][..]);
    assert_eq!(
        Framing::client(Kind::Padded).decode(&mut short),
        Err(FramingError::Length)
    );
    let mut long = BytesMut::from(&[0, 0, 0, 0x7f][..]);
    assert_eq!(
        Framing::client(Kind::Padded).decode(&mut long),
        Err(FramingError::TooLong(0x7f00_0000))
    );
}
