//! A compressed answer that is a thousand times longer than it looks.

use std::sync::LazyLock;

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use sluice_mtproto::wire::Writer;

const GZIP_PACKED: u32 = 0x3072_cfa1;
/// What is compressed at once; the same compressed bytes then stand for it again and again.
const CHUNK: usize = 1 << 20;
/// How many chunks there are: 1 GiB in all.
const CHUNKS: u32 = 1_024;

/// `gzip_packed` of 1 GiB of zeros: about 1 MB.
pub(super) fn bomb() -> Bytes {
    static BOMB: LazyLock<Bytes> = LazyLock::new(|| {
        let packed = gzip();
        let boxed = Writer::boxed(GZIP_PACKED, packed.len() + 8).bytes(&packed);
        boxed.finish().into()
    });
    BOMB.clone()
}

/// A valid gzip stream, made without going through all it stands for.
fn gzip() -> Vec<u8> {
    let zeros = vec![0; CHUNK];
    let mut deflate = Compress::new(Compression::best(), false);
    let mut chunk = |flush| {
        // Room for one chunk of any content.
        let mut packed = Vec::with_capacity(CHUNK);
        // It fails for a dictionary only, which there is none of.
        let _ = deflate.compress_vec(&zeros, &mut packed, flush);
        packed
    };
    let first = chunk(FlushCompress::Sync);
    // Looks back at nothing but zeros, so it can follow itself.
    let next = chunk(FlushCompress::Sync);
    let last = chunk(FlushCompress::Finish);

    let (mut whole, mut one) = (Crc::new(), Crc::new());
    one.update(&zeros);
    for _ in 0..CHUNKS {
        whole.combine(&one);
    }
    // No name, no time, any system.
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 0xff];
    gzip.extend(first);
    for _ in 2..CHUNKS {
        gzip.extend_from_slice(&next);
    }
    gzip.extend(last);
    gzip.extend(whole.sum().to_le_bytes());
    gzip.extend(whole.amount().to_le_bytes());
    gzip
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{CHUNK, CHUNKS, gzip};

    /// Fails if the bomb is not a valid stream of the promised sizes.
    #[test]
    fn a_bomb_of_a_megabyte_is_a_gibibyte() {
        let packed = gzip();
        assert!(
            (900_000..1_300_000).contains(&packed.len()),
            "{}",
            packed.len()
        );
        let mut reader = flate2::read::GzDecoder::new(packed.as_slice());
        let zeros = vec![0; CHUNK];
        let (mut buffer, mut length) = (vec![0; CHUNK], 0);
        loop {
            // The last read checks length and checksum.
            let read = reader.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            assert!(buffer[..read] == zeros[..read]);
            length += read;
        }
        assert_eq!(length, CHUNK * usize::try_from(CHUNKS).unwrap());
    }
}
