//! What is under way towards a sign-in: codes, login tokens, exported authorizations, password
//! checks. All of it expires by the world's clock.

use sluice_mtproto::srp::Challenge;

use super::{
    World,
    authorization::hex,
    user::{dc_of_phone, digits},
};
use crate::refusal::Refusal;

/// Seconds for which a code is good.
const CODE: i64 = 300;
/// Seconds for which a login token is good, as at Telegram.
const TOKEN: i64 = 30;
/// Seconds for which an exported authorization is good.
const EXPORT: i64 = 60;

/// A code that was sent.
pub(crate) struct SentCode {
    pub(crate) hash: String,
    pub(crate) expires: i64,
}

/// A QR code on somebody's screen.
pub(crate) struct LoginToken {
    /// The key it signs in.
    pub(crate) key: u64,
    pub(crate) except: Vec<i64>,
    pub(crate) expires: i64,
    pub(crate) accepted: bool,
}

/// An authorization on its way to another data center.
pub(crate) struct Export {
    pub(crate) authorization: u64,
    pub(crate) dc: i32,
    pub(crate) expires: i64,
}

/// A password check that was begun.
pub(crate) struct Check {
    pub(crate) user: i64,
    pub(crate) challenge: Challenge,
}

impl World {
    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        bytes
    }

    /// A random positive number for ids and hashes.
    pub(crate) fn random_id(&self) -> i64 {
        i64::from_le_bytes(self.random_bytes()) & i64::MAX | 1
    }

    /// The user of a phone number that asks at `dc`; made if the number is a test number nobody
    /// had until now.
    pub(crate) fn caller_of_phone(&mut self, phone: &str, dc: i32) -> Result<i64, Refusal> {
        let phone = digits(phone);
        let home = dc_of_phone(&phone)
            .filter(|home| self.has_dc(*home))
            .ok_or(Refusal::new(406, "PHONE_NUMBER_INVALID"))?;
        if home != dc {
            return Err(Refusal::migrate("PHONE", home));
        }
        if let Some(user) = self.user_by_phone(&phone) {
            return Ok(user.id);
        }
        let new = super::NewAccount {
            phone: Some(phone),
            ..Default::default()
        };
        self.create_account(new, None)
            .map(|info| info.id)
            .map_err(|_| Refusal::new(406, "PHONE_NUMBER_INVALID"))
    }

    /// Sends a code; returns its hash.
    pub(crate) fn send_code(&mut self, phone: &str) -> String {
        let hash = hex(self.random.u64());
        let sent = SentCode {
            hash: hash.clone(),
            expires: self.clock.date() + CODE,
        };
        self.codes.insert(digits(phone), sent);
        hash
    }

    /// Whether this hash is of the last code that was sent to the number.
    pub(crate) fn check_hash(&self, phone: &str, hash: &str) -> Result<(), Refusal> {
        if hash.is_empty() {
            return Err(Refusal::bad("PHONE_CODE_HASH_EMPTY"));
        }
        let now = self.clock.date();
        self.codes
            .get(&digits(phone))
            .filter(|sent| sent.hash == hash && sent.expires > now)
            .map(|_| ())
            .ok_or(Refusal::bad("PHONE_CODE_EXPIRED"))
    }

    /// The code every test number gets: its data center's digit, five times.
    pub(crate) fn code_of(phone: &str) -> String {
        dc_of_phone(&digits(phone)).map_or_else(String::new, |dc| dc.to_string().repeat(5))
    }

    /// A token for a key: the one it has, if that lives on for a while. With its expiry.
    pub(crate) fn login_token(&mut self, key: u64, except: Vec<i64>) -> (Vec<u8>, i64) {
        let now = self.clock.date();
        self.tokens_shown.retain(|_, t| t.expires + 600 > now);
        let current = self
            .tokens_shown
            .iter()
            .find(|(_, t)| t.key == key && !t.accepted && t.expires > now + 5);
        if let Some((token, shown)) = current {
            return (token.clone(), shown.expires);
        }
        let token = self.random_bytes::<32>().to_vec();
        let shown = LoginToken {
            key,
            except,
            expires: now + TOKEN,
            accepted: false,
        };
        let expires = shown.expires;
        self.tokens_shown.insert(token.clone(), shown);
        (token, expires)
    }

    /// Hands an authorization to whoever brings these bytes to the other data center.
    pub(crate) fn export(&mut self, authorization: u64, dc: i32) -> Vec<u8> {
        let now = self.clock.date();
        self.exports.retain(|_, e| e.expires > now);
        let bytes = self.random_bytes::<64>().to_vec();
        let export = Export {
            authorization,
            dc,
            expires: now + EXPORT,
        };
        self.exports.insert(bytes.clone(), export);
        bytes
    }

    /// The authorization of this user that was exported to this data center. Works once.
    pub(crate) fn import(&mut self, bytes: &[u8], user: i64, dc: i32) -> Result<u64, Refusal> {
        let now = self.clock.date();
        self.exports
            .remove(bytes)
            .filter(|e| e.dc == dc && e.expires > now)
            .map(|e| e.authorization)
            .filter(|id| self.authorizations.get(id).is_some_and(|a| a.user == user))
            .ok_or(Refusal::bad("AUTH_BYTES_INVALID"))
    }
}
