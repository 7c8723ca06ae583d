//! What an error says of the account itself, by its name.
//!
//! A session that Telegram has ended is lost, one that was seen in two places is parked, and in
//! both cases nothing is tried again until somebody acts: repeating is what turns a lost session
//! into a banned account. A frozen account goes on reading. Being banned from one chat is nothing
//! of the kind.
//!
//! Sources: <https://core.telegram.org/api/errors>, <https://core.telegram.org/api/auth#frozen-accounts>.

use sluice_domain::{AccountState, Failure, Layer};

/// The state a failure on the account's own session leads to.
pub(crate) fn of(failure: &Failure) -> Option<AccountState> {
    if failure.layer != Layer::Telegram {
        return None;
    }
    match failure.name.as_str() {
        "AUTH_KEY_UNREGISTERED"
        | "AUTH_KEY_INVALID"
        | "AUTH_KEY_PERM_EMPTY"
        | "SESSION_REVOKED"
        | "SESSION_EXPIRED"
        | "USER_DEACTIVATED"
        | "USER_DEACTIVATED_BAN" => Some(AccountState::SessionLost),
        // One authorization in two places: Telegram ended it, and trying again makes it worse.
        "AUTH_KEY_DUPLICATED" => Some(AccountState::Parked),
        name if name.starts_with("FROZEN_") => Some(AccountState::Frozen),
        _ => None,
    }
}

/// Telegram limits the account as a whole, for a time it does not name: operators hear of it.
pub(crate) fn limits_account(name: &str) -> bool {
    name == "PEER_FLOOD"
        || name == "PHONE_NUMBER_BANNED"
        || (name.starts_with("PHONE_") && name.ends_with("_FLOOD"))
}

/// What is never repeated by itself, whatever a policy says: the account would pay for it.
pub(crate) fn no_repeat(name: &str) -> bool {
    limits_account(name)
        || name.starts_with("FROZEN_")
        || matches!(
            name,
            "AUTH_KEY_DUPLICATED" | "USER_DEACTIVATED" | "USER_DEACTIVATED_BAN"
        )
}

#[cfg(test)]
mod tests {
    use sluice_domain::AccountKind;

    use super::*;

    /// Breaks when a refusal that concerns one chat, one step or one data center ends an account.
    #[test]
    fn only_what_ends_a_session_ends_it() {
        let fate = |code, name| {
            of(&Failure::telegram(
                code,
                name,
                "messages.sendMessage",
                AccountKind::User,
            ))
        };
        for name in [
            "AUTH_KEY_UNREGISTERED",
            "SESSION_EXPIRED",
            "USER_DEACTIVATED_BAN",
        ] {
            assert_eq!(fate(401, name), Some(AccountState::SessionLost));
        }
        assert_eq!(fate(406, "AUTH_KEY_DUPLICATED"), Some(AccountState::Parked));
        assert_eq!(
            fate(420, "FROZEN_METHOD_INVALID"),
            Some(AccountState::Frozen)
        );
        assert_eq!(
            fate(400, "FROZEN_PARTICIPANT_MISSING"),
            Some(AccountState::Frozen)
        );
        for name in [
            "USER_BANNED_IN_CHANNEL",
            "SESSION_PASSWORD_NEEDED",
            "INPUT_USER_DEACTIVATED",
            "AUTH_KEY_UNSYNCHRONIZED",
            "PEER_FLOOD",
            "PHONE_NUMBER_BANNED",
            "SESSION_TOO_FRESH_5",
        ] {
            assert_eq!(fate(400, name), None, "{name}");
        }
        assert!(no_repeat("PEER_FLOOD") && no_repeat("PHONE_PASSWORD_FLOOD"));
        assert!(!no_repeat("FLOOD_WAIT_5") && !no_repeat("USER_BANNED_IN_CHANNEL"));
    }
}
