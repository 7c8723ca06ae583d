use bytes::BytesMut;
use proptest::prelude::*;

use super::{Header, Sender, Violation, message_keys, open, packet_key_id, seal};
use crate::{AuthKey, testing::Dice};

const HEADER: Header = Header {
    salt: 1,
    session_id: -2,
    msg_id: 3,
    seq_no: 4,
};

fn key() -> AuthKey {
    AuthKey::from_bytes(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

/// Encrypts a plaintext as it is: what an honest sender never sends.
fn seal_raw(plaintext: &[u8]) -> BytesMut {
    let key = key();
    let msg_key = super::msg_key(&key, Sender::Server, plaintext);
    let (aes_key, iv) = message_keys(&key, Sender::Server, &msg_key);
    let mut encrypted = plaintext.to_vec();
    super::ige_encrypt(&mut encrypted, &aes_key, &iv);
    let mut packet = BytesMut::from(&key.id().to_le_bytes()[..]);
    packet.extend_from_slice(&msg_key);
    packet.extend_from_slice(&encrypted);
    packet
}

fn plaintext(length: i32, body_and_padding: usize) -> Vec<u8> {
    let mut plaintext = vec![0; 28];
    plaintext.extend_from_slice(&length.to_le_bytes());
    plaintext.resize(32 + body_and_padding, 0);
    plaintext
}

/// Breaks when key or IV are put together wrongly. The expected values are those that another
/// implementation's tests have for the same key.
#[test]
fn keys_of_a_message() {
    let msg_key = std::array::from_fn(|at| u8::try_from(at).unwrap());
    let (aes_key, iv) = message_keys(&key(), Sender::Client, &msg_key);
    assert_eq!(aes_key[..8], [112, 78, 208, 156, 139, 65, 102, 138]);
    assert_eq!(aes_key[24..], [168, 87, 61, 208, 66, 189, 5, 158]);
    assert_eq!(iv[..8], [77, 38, 96, 0, 165, 80, 237, 171]);
    let (aes_key, iv) = message_keys(&key(), Sender::Server, &msg_key);
    assert_eq!(aes_key[..8], [33, 119, 37, 121, 155, 36, 88, 6]);
    assert_eq!(iv[24..], [171, 145, 206, 123, 220, 71, 255, 188]);
}

proptest! {
    /// Breaks when a role cannot open what the other sealed, or opens its own.
    #[test]
    fn round_trip(words in 0_usize..100, byte in any::<u8>(), client in any::<bool>()) {
        let (sender, other) = if client {
            (Sender::Client, Sender::Server)
        } else {
            (Sender::Server, Sender::Client)
        };
        let body = vec![byte; words * 4];
        let packet = seal(&key(), sender, HEADER, &body, &Dice::new(1));
        prop_assert_eq!(packet_key_id(&packet), Some(key().id()));
        let opened = open(&key(), sender, BytesMut::from(&packet[..])).unwrap();
        prop_assert_eq!(opened.header, HEADER);
        prop_assert_eq!(&opened.body[..], &body);
        prop_assert_eq!(open(&key(), other, BytesMut::from(&packet[..])), Err(Violation::MsgKey));
    }

    /// Breaks when any change of any byte goes unnoticed.
    #[test]
    fn every_change_is_noticed(at in any::<prop::sample::Index>(), change in 1_u8..) {
        let mut packet = BytesMut::from(&seal(&key(), Sender::Server, HEADER, &[1; 40], &Dice::new(1))[..]);
        let at = at.index(packet.len());
        packet[at] ^= change;
        let expected = if at < 8 { Violation::ForeignKey } else { Violation::MsgKey };
        prop_assert_eq!(open(&key(), Sender::Server, packet), Err(expected));
    }

    /// Breaks when foreign bytes make it panic, also such that decrypt well.
    #[test]
    fn nothing_panics(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), honest in any::<bool>()) {
        if honest {
            bytes.truncate(bytes.len() / 16 * 16);
            let _ = open(&key(), Sender::Server, seal_raw(&bytes));
        } else {
            let _ = open(&key(), Sender::Server, BytesMut::from(&bytes[..]));
        }
    }
}

/// Breaks when both of our roles share a mistake: another implementation's packet is opened here,
/// and opens ours.
#[test]
fn another_implementations_packets() {
    let other = grammers_crypto::AuthKey::from_bytes(*key().expose());
    let mut plain = plaintext(40, 40);
    plain[32..].fill(7);
    let mut buffer = grammers_crypto::DequeBuffer::with_capacity(plain.len(), 64);
    buffer.extend(plain.iter().copied());
    grammers_crypto::encrypt_data_v2(&mut buffer, &other);
    let opened = open(&key(), Sender::Client, BytesMut::from(&buffer[..])).unwrap();
    assert_eq!(&opened.body[..], [7; 40]);

    let mut packet = seal(&key(), Sender::Server, HEADER, &[7; 40], &Dice::new(1));
    let opened = grammers_crypto::decrypt_data_v2(&mut packet, &other).unwrap();
    assert_eq!(opened[8..16], HEADER.session_id.to_le_bytes());
    assert_eq!(opened[32..72], [7; 40]);
}

/// Breaks when one of the rules about length and padding is not applied.
#[test]
fn shapes() {
    let try_open = |packet| open(&key(), Sender::Server, packet).map(|opened| opened.body.len());
    let cases = [
        (plaintext(4, 16), Ok(4)),
        (plaintext(8, 16), Err(Violation::Padding)),
        (plaintext(0, 1024), Ok(0)),
        (plaintext(0, 1040), Err(Violation::Padding)),
        (plaintext(20, 16), Err(Violation::Length)),
        (plaintext(-4, 16), Err(Violation::Length)),
        (plaintext(2, 16), Err(Violation::Length)),
    ];
    for (plaintext, expected) in cases {
        assert_eq!(try_open(seal_raw(&plaintext)), expected);
    }
    let mut unaligned = seal_raw(&plaintext(0, 16));
    unaligned.extend_from_slice(&[0; 4]);
    assert_eq!(try_open(unaligned), Err(Violation::Unaligned));
    assert_eq!(
        try_open(seal_raw(&[0; 32])),
        Err(Violation::TooShort),
        "no room for padding"
    );
    assert_eq!(try_open(BytesMut::new()), Err(Violation::TooShort));
}
