mod hidden;
mod padded;
mod tls;

use bytes::{BufMut, BytesMut};
use proptest::prelude::*;

use super::{CLIENT_CAP, Frame, Framing, FramingError, Kind, SERVER_CAP};

const KINDS: [Kind; 3] = [Kind::Abridged, Kind::Intermediate, Kind::Full];

fn kinds() -> impl Strategy<Value = Kind> {
    proptest::sample::select(&KINDS[..])
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    (1_usize..600).prop_flat_map(|words| proptest::collection::vec(any::<u8>(), words * 4))
}

/// Feeds a stream in pieces of the given sizes and collects what comes out.
fn feed(framing: &mut Framing, stream: &[u8], step: usize) -> Vec<Frame> {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(step.max(1)) {
        buffer.put_slice(piece);
        while let Some(frame) = framing.decode(&mut buffer).unwrap() {
            frames.push(frame);
        }
    }
    assert!(buffer.is_empty(), "bytes are left over");
    frames
}

proptest! {
    /// Breaks when an end does not understand the other, however the network cuts the stream.
    #[test]
    fn both_ends_understand_each_other(
        kind in kinds(),
        payloads in proptest::collection::vec(payload(), 1..5),
        step in 1_usize..200,
    ) {
        let mut client = Framing::client(kind);
        let mut stream = BytesMut::new();
        for payload in &payloads {
            client.encode(payload, &mut stream);
        }
        let mut server = Framing::detect(&mut stream).unwrap().unwrap();
        prop_assert_eq!(server.kind(), kind);
        let got = feed(&mut server, &stream, step);
        let sent: Vec<_> = payloads.iter().map(|p| Frame::Packet(BytesMut::from(&p[..]))).collect();
        prop_assert_eq!(&got, &sent);

        let mut back = BytesMut::new();
        for payload in &payloads {
            // A payload of four bytes with the sign set would be a transport error.
            prop_assume!(payload.len() > 4);
            server.encode(payload, &mut back);
        }
        prop_assert_eq!(feed(&mut client, &back, step), sent);
    }

    /// Breaks when any stream makes an end panic, or when it hands out more than the cap.
    #[test]
    fn no_stream_panics(kind in kinds(), client in any::<bool>(), stream in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut buffer = BytesMut::from(&stream[..]);
        let mut end = if client { Framing::client(kind) } else { Framing::server(kind) };
        while let Ok(Some(_)) = end.decode(&mut buffer) {}
        let mut buffer = BytesMut::from(&stream[..]);
        if let Ok(Some(mut end)) = Framing::detect(&mut buffer) {
            while let Ok(Some(_)) = end.decode(&mut buffer) {}
        }
    }

    /// Breaks when a changed byte of a full frame goes unnoticed.
    #[test]
    fn full_notices_damage(payload in payload(), at in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut stream = BytesMut::new();
        Framing::client(Kind::Full).encode(&payload, &mut stream);
        let at = at.index(stream.len());
        stream[at] ^= change;
        prop_assert!(!matches!(
            Framing::server(Kind::Full).decode(&mut stream),
            Ok(Some(_))
        ));
    }
}

/// Breaks when transport errors reach the session as packets, or lose their code.
#[test]
fn transport_errors() {
    for kind in KINDS {
        let mut stream = BytesMut::new();
        Framing::server(kind).encode_error(404, &mut stream);
        assert_eq!(
            Framing::client(kind).decode(&mut stream),
            Ok(Some(Frame::TransportError(404)))
        );
        let mut stream = BytesMut::new();
        Framing::server(kind).encode(&i32::MIN.to_le_bytes(), &mut stream);
        assert_eq!(
            Framing::client(kind).decode(&mut stream),
            Ok(Some(Frame::TransportError(i32::MAX)))
        );
    }
}

/// Breaks when a length is believed before it is checked: the frames here never arrive in full.
#[test]
fn lengths_are_capped_before_anything_is_read() {
    let too_long = |kind, length: usize| {
        let mut stream = BytesMut::new();
        match kind {
            Kind::Abridged => {
                stream.put_u8(0x7f);
                stream.put_uint_le((length / 4) as u64, 3);
            }
            Kind::Intermediate | Kind::Padded => stream.put_uint_le(length as u64, 4),
            Kind::Full => stream.put_uint_le(length as u64 + 12, 4),
        }
        stream
    };
    for kind in KINDS {
        for (mut end, cap) in [
            (Framing::client(kind), CLIENT_CAP),
            (Framing::server(kind), SERVER_CAP),
        ] {
            assert_eq!(end.decode(&mut too_long(kind, cap)), Ok(None));
            assert_eq!(
                end.decode(&mut too_long(kind, cap + 4)),
                Err(FramingError::TooLong(cap + 4))
            );
            assert_eq!(
                end.decode(&mut too_long(kind, 0)),
                Err(FramingError::Length)
            );
        }
    }
    let mut odd = BytesMut::from(&[5, 0, 0, 0, 1, 2, 3, 4, 5][..]);
    assert_eq!(
        Framing::server(Kind::Intermediate).decode(&mut odd),
        Err(FramingError::Length)
    );
}

/// Breaks when a repeated or skipped frame passes.
#[test]
fn full_frames_come_in_order() {
    let mut stream = BytesMut::new();
    let mut client = Framing::client(Kind::Full);
    client.encode(&[1; 8], &mut stream);
    let first = stream.clone();
    client.encode(&[2; 8], &mut stream);
    let mut server = Framing::detect(&mut stream).unwrap().unwrap();
    assert!(matches!(server.decode(&mut stream), Ok(Some(_))));
    assert_eq!(server.decode(&mut first.clone()), Err(FramingError::Order));
    assert!(matches!(server.decode(&mut stream), Ok(Some(_))));
}

/// Breaks when a client's wish for a quick acknowledgement is taken for a length, or a server's
/// quick acknowledgement for a packet.
#[test]
fn quick_acknowledgements() {
    let mut wish = BytesMut::from(&[0x81, 1, 2, 3, 4][..]);
    assert_eq!(
        Framing::server(Kind::Abridged).decode(&mut wish),
        Ok(Some(Frame::Packet(BytesMut::from(&[1, 2, 3, 4][..]))))
    );
    let mut wish = BytesMut::from(&[4, 0, 0, 0x80, 1, 2, 3, 4][..]);
    assert_eq!(
        Framing::server(Kind::Intermediate).decode(&mut wish),
        Ok(Some(Frame::Packet(BytesMut::from(&[1, 2, 3, 4][..]))))
    );
    let mut ack = BytesMut::from(&[0x81, 2, 3, 4][..]);
    assert_eq!(
        Framing::client(Kind::Abridged).decode(&mut ack),
        Ok(Some(Frame::QuickAck(0x8102_0304)))
    );
    let mut ack = BytesMut::from(&[1, 2, 3, 0x84][..]);
    assert_eq!(
        Framing::client(Kind::Intermediate).decode(&mut ack),
        Ok(Some(Frame::QuickAck(0x8403_0201)))
    );
}

/// Breaks when a server takes noise, HTTP or TLS for a transport. Noise can be told from an
/// obfuscated stream only by its first 64 bytes.
#[test]
fn unknown_transports_are_refused() {
    for first in [&b"GET / HT"[..], &[0x16, 3, 1, 2, 0, 1, 0, 1], &[40; 64]] {
        assert_eq!(
            Framing::detect(&mut BytesMut::from(first)).err(),
            Some(FramingError::Unknown)
        );
    }
    assert!(
        Framing::detect(&mut BytesMut::from(&[40; 63][..]))
            .unwrap()
            .is_none()
    );
    assert!(
        Framing::detect(&mut BytesMut::from(&[0xee; 4][..]))
            .unwrap()
            .is_none()
    );
}
