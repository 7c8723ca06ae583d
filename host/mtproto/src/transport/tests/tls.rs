use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::{BufMut, BytesMut};
use proptest::prelude::*;

use crate::testing::Dice;
use crate::transport::tls::{ClientHandshake, Doorkeeper, Records, TlsError};

const KEY: [u8; 16] = [
    0x36, 0x7a, 0x18, 0x9a, 0xee, 0x18, 0xfa, 0x31, 0xc1, 0x90, 0x05, 0x4e, 0xfd, 0x4a, 0x8e, 0x95,
];
const DOMAIN: &str = "storage.googleapis.com";
/// When the recorded hello was said.
const THEN: u64 = 1_617_181_365;
/// A hello that Telegram's client for macOS said, without the record's header, from the tests of mtg.
const RECORDED: &str = "AQAB/AMDXvCPc3aAbHbhRLv0kUmy6BfPZOGvsused5/HNsKXEPsgSt2BZ2uHMFn3B2trD1jfdtpjoJOOg6JBeLhFcyCMCq4ANBMDEwETAsAswCvAJMAjwArACcypwDDAL8AowCfAFMATzKgAnQCcAD0APAA1AC/ACMASAAoBAAF//wEAAQAAAAAbABkAABZzdG9yYWdlLmdvb2dsZWFwaXMuY29tABcAAAANABgAFgQDCAQEAQUDAgMIBQgFBQEIBgYBAgEABQAFAQAAAAAzdAAAABIAAAAQADAALgJoMgVoMi0xNgVoMi0xNQVoMi0xNAhzcGR5LzMuMQZzcGR5LzMIaHR0cC8xLjEACwACAQAAMwAmACQAHQAgB/7oLx9JElIALsLJS91H2QNyU1H0osKwIUelVndsLyIALQACAQEAKwAJCAMEAwMDAgMBAAoACgAIAB0AFwAYABkAFQCh";

fn recorded() -> BytesMut {
    let hello = BASE64_STANDARD.decode(RECORDED).unwrap();
    let mut record = BytesMut::from(&[22, 3, 1, 2, 0][..]);
    record.put_slice(&hello);
    // Padding up to the usual length.
    record.put_bytes(0, 517 - record.len());
    record
}

/// Breaks when the digest, or the place of anything in a hello, changes in both roles at once.
#[test]
fn a_recorded_hello_is_let_in() {
    let dice = Dice::new(1);
    let mut door = Doorkeeper::new(KEY, DOMAIN);
    let answer = door.receive(&mut recorded(), THEN + 5, &dice);
    let answer = answer.unwrap().unwrap();
    assert_eq!(answer[..3], [22, 3, 3]);
    // The session's id is repeated, and the first suite that is not invented chosen.
    assert_eq!(answer[44..76], recorded()[44..76]);
    assert_eq!(answer[76..78], [0x13, 0x03]);

    let late = Doorkeeper::new(KEY, DOMAIN).receive(&mut recorded(), THEN + 121, &dice);
    assert_eq!(late, Err(TlsError::Time(121)));
    let early = Doorkeeper::new(KEY, DOMAIN).receive(&mut recorded(), THEN - 121, &dice);
    assert_eq!(early, Err(TlsError::Time(121)));
    let elsewhere = Doorkeeper::new(KEY, "example.com").receive(&mut recorded(), THEN, &dice);
    assert_eq!(elsewhere, Err(TlsError::Domain));
    let stranger = Doorkeeper::new([7; 16], DOMAIN).receive(&mut recorded(), THEN, &dice);
    assert_eq!(stranger, Err(TlsError::Digest));
}

/// Breaks when a hello that somebody recorded opens the door again, at once or at the end of its
/// time.
#[test]
fn a_hello_passes_once() {
    let dice = Dice::new(2);
    let mut door = Doorkeeper::new(KEY, DOMAIN);
    assert!(door.receive(&mut recorded(), THEN - 110, &dice).is_ok());
    for at in [THEN - 110, THEN, THEN + 120] {
        let again = door.receive(&mut recorded(), at, &dice);
        assert_eq!(again, Err(TlsError::Replayed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Breaks when the ends do not know each other, whatever the domain, or a hello has another
    /// length than proxies expect.
    #[test]
    fn both_ends_know_each_other(seed: u64, key: [u8; 16], domain in "[a-z0-9.-]{1,182}", cut in 1_usize..400) {
        let dice = Dice::new(seed);
        let (client, hello) = ClientHandshake::start(&key, &domain, THEN, &dice);
        prop_assert_eq!(hello.len(), 517);
        prop_assert_eq!(&hello[..11], &[22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
        let mut door = Doorkeeper::new(key, domain);
        prop_assert_eq!(door.receive(&mut BytesMut::from(&hello[..516]), THEN, &dice), Ok(None));
        let mut hello = hello;
        let answer = door.receive(&mut hello, THEN, &dice).unwrap().unwrap();
        prop_assert!(hello.is_empty());
        let (mut buffer, mut done) = (BytesMut::new(), false);
        for piece in answer.chunks(cut) {
            prop_assert!(!done, "done before the end");
            buffer.extend_from_slice(piece);
            done = client.receive(&mut buffer).unwrap();
        }
        prop_assert!(done && buffer.is_empty());
    }

    /// Breaks when an answer is believed that does not come from who knows the secret, or was
    /// changed on its way.
    #[test]
    fn a_changed_answer_is_refused(seed: u64, at in any::<prop::sample::Index>(), change in 1_u8..) {
        let dice = Dice::new(seed);
        let (client, mut hello) = ClientHandshake::start(&KEY, DOMAIN, THEN, &dice);
        let mut answer = Doorkeeper::new(KEY, DOMAIN).receive(&mut hello, THEN, &dice).unwrap().unwrap();
        let at = at.index(answer.len());
        answer[at] ^= change;
        prop_assert_ne!(client.receive(&mut answer), Ok(true));
    }

    /// Breaks when a changed hello is let in.
    #[test]
    fn a_changed_hello_is_refused(at in 0_usize..517, change in 1_u8..) {
        let mut hello = recorded();
        hello[at] ^= change;
        let outcome = Doorkeeper::new(KEY, DOMAIN).receive(&mut hello, THEN, &Dice::new(1));
        // The last four bytes of the random are the time, which may be a little off.
        let time = (39..43).contains(&at);
        prop_assert!(!matches!(outcome, Ok(Some(_))) || time);
    }

    /// Breaks when any bytes make an end panic.
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..700), kind in 19_u8..25) {
        let dice = Dice::new(3);
        let mut bytes = bytes;
        if bytes.len() > 5 {
            bytes[0] = kind;
            bytes[1] = 3;
            bytes[2] = 1 + 2 * (bytes[2] & 1);
            let length = u16::try_from(bytes.len() - 5).unwrap();
            bytes[3..5].copy_from_slice(&length.to_be_bytes());
        }
        let _ = Doorkeeper::new(KEY, DOMAIN).receive(&mut BytesMut::from(&bytes[..]), THEN, &dice);
        let (client, _) = ClientHandshake::start(&KEY, DOMAIN, THEN, &dice);
        let _ = client.receive(&mut BytesMut::from(&bytes[..]));
        let _ = Records::client().unwrap(&mut BytesMut::from(&bytes[..]), &mut BytesMut::new());
    }
}

/// Breaks when two hellos can be told to come from one client, or look like none.
#[test]
fn hellos_differ() {
    let dice = Dice::new(9);
    let (_, one) = ClientHandshake::start(&KEY, DOMAIN, THEN, &dice);
    let (_, two) = ClientHandshake::start(&KEY, DOMAIN, THEN, &dice);
    assert_ne!(one[11..76], two[11..76]);
    assert_ne!(one[120..300], two[120..300]);
}

/// Breaks when records beyond TLS's bound are waited for, an alert is taken for data, or empty
/// records are taken without end.
#[test]
fn bad_records() {
    let unwrap = |bytes: &[u8]| {
        let mut out = BytesMut::new();
        Records::client()
            .unwrap(&mut BytesMut::from(bytes), &mut out)
            .map(|()| out)
    };
    assert_eq!(
        unwrap(&[23, 3, 3, 0x41, 0x01]),
        Err(TlsError::TooLong(0x4101))
    );
    assert_eq!(unwrap(&[23, 3, 3, 0x41, 0x00]), Ok(BytesMut::new()));
    assert_eq!(unwrap(&[21, 3, 3, 0, 2, 2, 40]), Err(TlsError::Alert));
    assert_eq!(unwrap(b"HTTP/1.1"), Err(TlsError::NotRecord));
    assert_eq!(unwrap(&[23, 3, 1, 0, 1, 9]), Err(TlsError::NotRecord));
    let idle = [20, 3, 3, 0, 1, 1].repeat(5);
    assert_eq!(unwrap(&idle), Err(TlsError::NotRecord));
    assert_eq!(unwrap(&idle[..24]), Ok(BytesMut::new()));
}
