//! What a packet calls, seen before its session takes it.

use sluice_mtproto::{gzip, wire::Reader};
use sluice_tl::Schema;

const CONTAINER: u32 = 0x73f1_f8dc;
const GZIP_PACKED: u32 = 0x3072_cfa1;
/// Messages looked at in one container, and bytes of one compressed call: more than any client
/// sends.
const MESSAGES: u32 = 1_024;
const INFLATED: usize = 1 << 20;

/// The names of all methods in a packet's body, the protocol's own (`ping`) among them. What cannot
/// be read is left out: the session will complain.
pub(super) fn methods(body: &[u8]) -> Vec<&'static str> {
    let mut reader = Reader::new(body);
    if reader.id() != Ok(CONTAINER) {
        return method(body).into_iter().collect();
    }
    let count = reader.id().unwrap_or_default().min(MESSAGES);
    let mut found = Vec::new();
    for _ in 0..count {
        let Ok(message) = message(&mut reader) else {
            break;
        };
        found.extend(method(message));
    }
    found
}

fn message<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], sluice_mtproto::wire::BadValue> {
    let _msg_id = reader.long()?;
    let _seq_no = reader.int()?;
    let length = reader.id()?;
    reader.take(length as usize)
}

fn method(body: &[u8]) -> Option<&'static str> {
    let mut reader = Reader::new(body);
    let id = reader.id().ok()?;
    if id == GZIP_PACKED {
        let inflated = gzip::inflate(reader.bytes().ok()?, INFLATED).ok()?;
        return plain(&inflated);
    }
    plain(body)
}

fn plain(body: &[u8]) -> Option<&'static str> {
    let query = Schema::newest().unwrap_call(body).map(|(_, query)| query);
    let id = Reader::new(query.unwrap_or(body)).id().ok()?;
    let known = Schema::newest().method_by_id(id);
    let known = known.or_else(|| Schema::mtproto().method_by_id(id));
    known.map(|method| method.name)
}
