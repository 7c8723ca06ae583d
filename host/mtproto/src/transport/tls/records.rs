use bytes::{Buf, BufMut, BytesMut};

use super::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, NOTHING, RECORD, TlsError, VERSION, record,
};

/// The most that is put into one record: what browsers send and what proxies are known to take.
const CHUNK: usize = 2878;
/// How many empty records of the middlebox kind are passed over. TLS sends one.
const IDLE: u8 = 4;

/// Bytes in and out of records of application data.
#[derive(Debug)]
pub struct Records {
    /// A client's empty record is still to be sent.
    opening: bool,
    idle: u8,
}

impl Records {
    /// The client's end, whose first record is an empty one.
    pub const fn client() -> Self {
        Self {
            opening: true,
            idle: IDLE,
        }
    }

    /// The server's end, which has sent its empty record with its hello.
    pub const fn server() -> Self {
        Self {
            opening: false,
            idle: IDLE,
        }
    }

    /// Puts bytes into records and appends these to `out`.
    pub fn wrap(&mut self, bytes: &[u8], out: &mut BytesMut) {
        if std::mem::take(&mut self.opening) {
            out.put_slice(&NOTHING);
        }
        for chunk in bytes.chunks(CHUNK) {
            out.put_u8(APPLICATION_DATA);
            out.put_slice(&VERSION);
            out.put_uint(chunk.len() as u64, 2);
            out.put_slice(chunk);
        }
    }

    /// Takes the whole records off the buffer and appends what is in them to `out`.
    pub fn unwrap(&mut self, buffer: &mut BytesMut, out: &mut BytesMut) -> Result<(), TlsError> {
        while let Some((kind, version, whole)) = record(buffer)? {
            if version != VERSION {
                return Err(TlsError::NotRecord);
            }
            let mut taken = buffer.split_to(whole);
            match kind {
                APPLICATION_DATA => {
                    taken.advance(RECORD);
                    out.unsplit(taken);
                }
                CHANGE_CIPHER_SPEC if taken[..] == NOTHING && self.idle > 0 => self.idle -= 1,
                ALERT => return Err(TlsError::Alert),
                _ => return Err(TlsError::NotRecord),
            }
        }
        Ok(())
    }
}
