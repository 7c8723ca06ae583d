use bytes::BytesMut;
use sluice_mtproto::transport::{Frame, Framing, FramingError, Kind};

use super::Input;

const KINDS: [Kind; 3] = [Kind::Abridged, Kind::Intermediate, Kind::Full];

/// A stream at either end of any transport: where the network cuts it changes nothing, and what came
/// out can be framed again.
pub fn framing(data: &[u8]) {
    let mut input = Input::new(data);
    let end = input.byte();
    let piece = usize::from(input.byte()).max(1);
    let stream = input.rest();
    let open = |buffer: &mut BytesMut| {
        let kind = KINDS[usize::from(end >> 2) % KINDS.len()];
        match end & 3 {
            0 => Ok(Some(Framing::client(kind))),
            1 => Ok(Some(Framing::server(kind))),
            _ => Framing::detect(buffer),
        }
    };
    let (whole, failed) = read(stream, stream.len().max(1), open);
    let (pieces, failed_in_pieces) = read(stream, piece, open);
    assert_eq!(whole, pieces);
    assert_eq!(failed, failed_in_pieces);
    for frame in whole {
        if let Frame::Packet(packet) = frame {
            assert!(packet.len() <= stream.len());
            again(&packet);
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
            Ok(Some(Frame::Packet(taken))) => assert_eq!(taken, packet),
            Ok(Some(Frame::TransportError(_))) => assert_eq!(packet.len(), 4),
            other => panic!("{other:?}"),
        }
    }
}
