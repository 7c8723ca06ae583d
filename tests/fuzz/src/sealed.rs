use bytes::BytesMut;
use grammers_crypto::aes::ige_encrypt;
use sha2::{Digest, Sha256};
use sluice_mtproto::{
    AuthKey, Sender, open,
    session::{ClientSession, ServerSession},
};

use super::{
    Dice, Input,
    input::{beginning, key},
};

/// Encrypts a plaintext as it is, lengths and padding too, which no honest end does: its own header
/// and length come first in it. A part of a block at its end is left away.
pub fn seal_plaintext(key: &AuthKey, sender: Sender, plaintext: &[u8]) -> BytesMut {
    let x = match sender {
        Sender::Client => 0,
        Sender::Server => 8,
    };
    let part = |from: usize, length: usize| &key.expose()[from + x..from + x + length];
    let mut encrypted = plaintext[..plaintext.len() / 16 * 16].to_vec();
    let msg_key = &sha256(&[part(88, 32), &encrypted])[8..24];
    let a = sha256(&[msg_key, part(0, 36)]);
    let b = sha256(&[part(40, 36), msg_key]);
    let weave = |outer: &[u8; 32], inner: &[u8; 32]| {
        let mut woven = *outer;
        woven[8..24].copy_from_slice(&inner[8..24]);
        woven
    };
    ige_encrypt(&mut encrypted, &weave(&a, &b), &weave(&b, &a));
    let mut packet = BytesMut::from(&key.id().to_le_bytes()[..]);
    packet.extend_from_slice(msg_key);
    packet.extend_from_slice(&encrypted);
    packet
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

/// Whole packets at either role: as they come, with the right key's id before them, or as plaintexts
/// that decrypt well.
pub fn packet(data: &[u8]) {
    let key = key();
    let mut input = Input::new(data);
    let mode = input.byte();
    let (sender, other) = if mode & 1 == 0 {
        (Sender::Server, Sender::Client)
    } else {
        (Sender::Client, Sender::Server)
    };
    let packet = match mode >> 1 & 3 {
        0 => BytesMut::from(input.rest()),
        1 => BytesMut::from(&[&key.id().to_le_bytes()[..], input.rest()].concat()[..]),
        _ => seal_plaintext(&key, sender, input.rest()),
    };
    if mode >> 1 & 3 > 1 {
        assert!(open(&key, other, packet.clone()).is_err(), "the other way");
    }
    let (now, dice) = (beginning(), Dice::default());
    let opened = open(&key, sender, packet.clone());
    if let Ok(opened) = &opened {
        let padding = packet.len() - 24 - 32 - opened.body.len();
        assert!((12..=1024).contains(&padding) && opened.body.len().is_multiple_of(4));
    }
    if sender == Sender::Server {
        let session_id = opened.map_or(1, |opened| opened.header.session_id);
        let mut client = ClientSession::new(key, 1, session_id, 0, now);
        client.call(vec![0; 4].into(), now);
        let _ = client.receive(packet, now);
        while client.poll_packet(now, &dice).is_some() {}
        while client.next_event().is_some() {}
    } else if let Ok(opened) = opened {
        let mut salts = sluice_mtproto::session::ServerSalts::new(opened.header.salt, now);
        let mut server = ServerSession::new(key, opened.header.session_id, now, &dice);
        let _ = server.receive(opened, &mut salts, now, &dice);
        while server.poll_packet(&mut salts, now, &dice).is_some() {}
        while server.next_event().is_some() {}
    }
}
