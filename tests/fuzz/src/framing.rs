use bytes::BytesMut;
use sluice_mtproto::transport::{
    Frame, Framing, FramingError, Kind,
    obfuscated::{Announced, Obfuscation},
    tls::{ClientHandshake, Doorkeeper, Records},
};

use super::{Dice, Input};

const KINDS: [Kind; 4] = [Kind::Abridged, Kind::Intermediate, Kind::Full, Kind::Padded];
const SECRET: [u8; 16] = [0x5e; 16];
const DOMAIN: &str = "example.org";

/// A stream at either end of any transport: where the network cuts it changes nothing, and what came
/// out can be framed again.
pub fn framing(data: &[u8]) {
    let mut input = Input::new(data);
    let end = input.byte();
    let piece = usize::from(input.byte()).max(1);
    let kind = KINDS[usize::from(end >> 2) % KINDS.len()];
    // A hidden stream, whose header says what the bytes are, and which is as they are after it.
    let hidden = (end & 3 == 3 && kind != Kind::Full).then(|| hide(kind, input.rest()));
    let stream = hidden.as_deref().unwrap_or(input.rest());
    let open = |buffer: &mut BytesMut| match end & 3 {
        0 => Ok(Some(Framing::client(kind))),
        1 => Ok(Some(Framing::server(kind))),
        _ => Framing::detect(buffer),
    };
    let (whole, failed) = read(stream, stream.len().max(1), open);
    let (pieces, failed_in_pieces) = read(stream, piece, open);
    assert_eq!(whole, pieces);
    assert_eq!(failed, failed_in_pieces);
    for frame in whole {
        if let Frame::Packet(packet) = frame {
            assert!(packet.len() <= stream.len());
            // A padded plain message may claim any length; what is framed is a multiple of 4.
            if packet.len().is_multiple_of(4) {
                again(&packet);
            }
        }
    }
}

fn read(
    stream: &[u8],
    piece: usize,
    open: impl Fn(&mut BytesMut) -> Result<Option<Framing>, FramingError>,
) -> (Vec<Frame>, Option<FramingError>) {
    let mut buffer = BytesMut::new();
    let mut end = None;
    let mut frames = Vec::new();
    for piece in stream.chunks(piece) {
        buffer.extend_from_slice(piece);
        if end.is_none() {
            match open(&mut buffer) {
                Ok(opened) => end = opened,
                Err(error) => return (frames, Some(error)),
            }
        }
        let Some(end) = &mut end else { continue };
        loop {
            match end.decode(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

fn again(packet: &[u8]) {
    for kind in KINDS {
        let mut stream = BytesMut::new();
        Framing::server(kind).encode(packet, &mut stream);
        let taken = Framing::client(kind).decode(&mut stream);
        match taken {
            // Where the padding begins, only a packet of MTProto itself can tell.
            Ok(Some(Frame::Packet(taken))) if kind == Kind::Padded => {
                assert!(packet.starts_with(&taken));
            }
            Ok(Some(Frame::Packet(taken))) => assert_eq!(taken, packet),
            // Padded too, and as short as no packet is.
            Ok(Some(Frame::TransportError(_))) if kind == Kind::Padded => {
                assert!(packet.len() < 24);
            }
            Ok(Some(Frame::TransportError(_))) => assert_eq!(packet.len(), 4),
            other => panic!("{other:?}"),
        }
    }
}

/// The bytes of a client that hides them.
fn hide(kind: Kind, clear: &[u8]) -> Vec<u8> {
    let announced = Announced { kind, dc: 2 };
    let (mut cipher, header) = Obfuscation::client(announced, None, &Dice::default());
    let mut hidden = clear.to_vec();
    cipher.encrypt(&mut hidden);
    [&header[..], &hidden].concat()
}

/// What looks like TLS, at either end: the handshake and the records after it. Only the very hello
/// that the secret proves is let in.
pub fn tls(data: &[u8]) {
    const NOW: u64 = 1_800_000_000;
    let mut input = Input::new(data);
    let mode = input.byte();
    let dice = Dice::default();
    let (client, hello) = ClientHandshake::start(&SECRET, DOMAIN, NOW, &dice);
    let mut keeper = Doorkeeper::new(SECRET, DOMAIN);
    match mode % 5 {
        0 => assert_ne!(client.receive(&mut BytesMut::from(input.rest())), Ok(true)),
        1 => {
            let mut buffer = BytesMut::from(input.rest());
            assert!(!matches!(
                keeper.receive(&mut buffer, NOW, &dice),
                Ok(Some(_))
            ));
        }
        2 => {
            let mut said = hello.clone();
            overwrite(&mut said, &mut input);
            let changed = said != hello;
            let answer = keeper.receive(&mut said, NOW, &dice);
            assert!(!(changed && matches!(answer, Ok(Some(_)))));
        }
        3 => {
            let answer = keeper.receive(&mut hello.clone(), NOW, &dice);
            let answer = answer.unwrap().unwrap();
            let mut said = answer.clone();
            overwrite(&mut said, &mut input);
            let changed = said != answer;
            assert!(!(changed && client.receive(&mut said) == Ok(true)));
        }
        _ => {
            let piece = usize::from(input.byte()).max(1);
            let stream = input.rest();
            let unwrap = |piece: usize| {
                let mut records = Records::client();
                let (mut buffer, mut out) = (BytesMut::new(), BytesMut::new());
                for piece in stream.chunks(piece) {
                    buffer.extend_from_slice(piece);
                    if let Err(error) = records.unwrap(&mut buffer, &mut out) {
                        return (out, Some(error));
                    }
                }
                (out, None)
            };
            let whole = unwrap(stream.len().max(1));
            assert_eq!(whole, unwrap(piece));
            assert!(whole.0.len() <= stream.len());
        }
    }
}

/// Puts bytes of the input's choice over some of these.
fn overwrite(bytes: &mut BytesMut, input: &mut Input<'_>) {
    let at = usize::from(input.short()) % bytes.len().max(1);
    for (to, from) in bytes.iter_mut().skip(at).zip(input.rest()) {
        *to = *from;
    }
}
