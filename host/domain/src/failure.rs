/// Where a failure arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "snake_case"))]
pub enum Layer {
    /// Telegram answered with an rpc_error.
    Telegram,
    /// The transport failed: refused, reset, closed, transport error.
    Network,
    /// A deadline passed.
    Timeout,
    /// The gateway itself.
    Gateway,
}

impl Layer {
    /// Every layer, in the order of the WIT contract's constants.
    pub const ALL: [Self; 4] = [Self::Telegram, Self::Network, Self::Timeout, Self::Gateway];

    /// The number of this layer in the contracts of policies.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// Whether Telegram may have carried out the call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "snake_case"))]
pub enum Execution {
    /// Telegram answered: it refused the call.
    Refused,
    /// The call never left, or Telegram is known not to have it.
    NeverSent,
    /// It was sent and nothing is known of it.
    MaybeExecuted,
}

impl Execution {
    /// Every case, in the order of the WIT contract's constants.
    pub const ALL: [Self; 3] = [Self::Refused, Self::NeverSent, Self::MaybeExecuted];

    /// The number of this case in the contracts of policies.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// What kind of account made the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "snake_case"))]
pub enum AccountKind {
    /// A person's account.
    User,
    /// A bot.
    Bot,
}

impl AccountKind {
    /// The number of this kind in the contracts of policies.
    pub const fn code(self) -> u32 {
        self as u32
    }
}

/// One failed attempt of a call. Policies see all of it but the name, which is the pattern with the
/// number put in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "host", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "host", serde(rename_all = "camelCase"))]
pub struct Failure {
    /// Where it arose.
    pub layer: Layer,
    /// Telegram's error code (420, 400, …; signed, as in rpc_error); 0 outside [`Layer::Telegram`].
    pub code: i32,
    /// The name as Telegram sent it (`FLOOD_WAIT_37`); outside Telegram a stable name of ours
    /// (`CONNECTION_LOST`, `DEADLINE`, `NOT_CONNECTED`, `OVERLOADED`).
    pub name: String,
    /// The name with its number replaced by `%d` (`FLOOD_WAIT_%d`).
    pub pattern: String,
    /// The number in the name, if there is one.
    pub number: Option<i64>,
    /// The method that was called (`messages.sendMessage`).
    pub method: String,
    /// Who called.
    pub account_kind: AccountKind,
    /// Whether it may have been executed.
    pub execution: Execution,
}

impl Failure {
    /// A failure from an rpc_error, with the number taken out of the name.
    ///
    /// ```
    /// # use sluice_domain::{AccountKind, Failure};
    /// let f = Failure::telegram(420, "FLOOD_WAIT_37", "messages.sendMessage", AccountKind::User);
    /// assert_eq!((f.pattern.as_str(), f.number), ("FLOOD_WAIT_%d", Some(37)));
    /// ```
    pub fn telegram(code: i32, name: &str, method: &str, account_kind: AccountKind) -> Self {
        let (pattern, number) = split_number(name);
        Self {
            layer: Layer::Telegram,
            code,
            name: name.into(),
            pattern,
            number,
            method: method.into(),
            account_kind,
            execution: Execution::Refused,
        }
    }

    /// A failure that arose on our side of the wire; `name` is one of our stable names.
    pub fn local(
        layer: Layer,
        name: &str,
        method: &str,
        account_kind: AccountKind,
        execution: Execution,
    ) -> Self {
        Self {
            layer,
            code: 0,
            name: name.into(),
            pattern: name.into(),
            number: None,
            method: method.into(),
            account_kind,
            execution,
        }
    }
}

/// Splits `FLOOD_WAIT_37` into `FLOOD_WAIT_%d` and 37. Only a whole run of digits that follows an
/// underscore counts (`FILE_PART_3_MISSING`, `SESSION_TOO_FRESH_86400`,
/// `PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN`); `2FA_CONFIRM_WAIT_5` takes the 5, not the 2, and
/// digits that belong to a word (`MD5_CHECKSUM_INVALID`, `SHA256_HASH_INVALID`) are left alone.
fn split_number(name: &str) -> (String, Option<i64>) {
    let bytes = name.as_bytes();
    let mut at = 0;
    while let Some(found) = name.get(at..).and_then(|rest| rest.find('_')) {
        let start = at + found + 1;
        let digits = bytes
            .iter()
            .skip(start)
            .take_while(|b| b.is_ascii_digit())
            .count();
        let end = start + digits;
        let closes = matches!(bytes.get(end), None | Some(b'_')) || name.get(end..) == Some("MIN");
        if digits > 0 && closes {
            let number = name.get(start..end).and_then(|d| d.parse().ok());
            let mut pattern = String::with_capacity(name.len());
            pattern.push_str(name.get(..start).unwrap_or_default());
            pattern.push_str("%d");
            pattern.push_str(name.get(end..).unwrap_or_default());
            return (pattern, number);
        }
        at = start;
    }
    (name.into(), None)
}

#[cfg(test)]
mod tests {
    use super::split_number;

    #[test]
    fn numbers_are_found_where_they_stand() {
        for (name, pattern, number) in [
            ("FLOOD_WAIT_37", "FLOOD_WAIT_%d", Some(37)),
            ("FILE_PART_3_MISSING", "FILE_PART_%d_MISSING", Some(3)),
            ("2FA_CONFIRM_WAIT_5", "2FA_CONFIRM_WAIT_%d", Some(5)),
            ("MD5_CHECKSUM_INVALID", "MD5_CHECKSUM_INVALID", None),
            (
                "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_5MIN",
                "PREVIOUS_CHAT_IMPORT_ACTIVE_WAIT_%dMIN",
                Some(5),
            ),
            ("PHONE_CODE_INVALID", "PHONE_CODE_INVALID", None),
            ("", "", None),
        ] {
            assert_eq!(split_number(name), (pattern.to_owned(), number), "{name}");
        }
    }
}
