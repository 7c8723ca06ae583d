use bytes::BytesMut;

use super::FramingError;
use super::obfuscated::{HEADER, Obfuscation};
use super::tls::Records;

/// What hides the frames of a connection: obfuscation, and around it, to a proxy that wants it,
/// records as of TLS.
#[derive(Debug)]
pub(super) struct Cover {
    cipher: Obfuscation,
    /// A client's first bytes, until they are sent.
    header: Option<[u8; HEADER]>,
    records: Option<Records>,
    /// Out of their records and still encrypted; empty but within one call.
    unwrapped: BytesMut,
    /// What was uncovered and is not taken yet.
    pub(super) clear: BytesMut,
}

impl Cover {
    pub(super) fn new(cipher: Obfuscation, header: Option<[u8; HEADER]>) -> Self {
        Self {
            cipher,
            header,
            records: None,
            unwrapped: BytesMut::new(),
            clear: BytesMut::new(),
        }
    }

    pub(super) fn within(mut self, records: Option<Records>) -> Self {
        self.records = records;
        self
    }

    /// Covers framed bytes and appends them to `out`.
    pub(super) fn put(&mut self, mut framed: BytesMut, out: &mut BytesMut) {
        self.cipher.encrypt(&mut framed);
        let header = self.header.take();
        match &mut self.records {
            None => {
                out.extend_from_slice(header.as_ref().map_or(&[][..], |header| header));
                out.extend_from_slice(&framed);
            }
            Some(records) => {
                // The header alone in a record would give it away by its length.
                if let Some(header) = header {
                    let mut first = BytesMut::from(&header[..]);
                    first.unsplit(framed);
                    framed = first;
                }
                records.wrap(&framed, out);
            }
        }
    }

    /// Uncovers all that came.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Result<(), FramingError> {
        let mut fresh = match &mut self.records {
            None => buffer.split(),
            Some(records) => {
                records.unwrap(buffer, &mut self.unwrapped)?;
                std::mem::take(&mut self.unwrapped)
            }
        };
        self.cipher.decrypt(&mut fresh);
        self.clear.unsplit(fresh);
        Ok(())
    }
}
