use crate::{AccountKind, Execution, Failure, Layer};

/// A failure that Telegram answered with, from its name (`FLOOD_WAIT_37`). The code is guessed
/// from the name: 420 for waits, 500 for failures of Telegram's, else 400; [`Failure::code`] sets
/// another.
pub fn failure(name: &str) -> Failure {
    let (pattern, number) = split_number(name);
    let code = match pattern.as_str() {
        wait if wait.contains("_WAIT_%d") => 420,
        "AUTH_KEY_UNREGISTERED" | "SESSION_REVOKED" | "USER_DEACTIVATED" => 401,
        server if server.starts_with("INTERNAL") || server.contains("_FAILED") => 500,
        migration if migration.contains("_MIGRATE_%d") => 303,
        _ => 400,
    };
    Failure {
        layer: Layer::Telegram,
        code,
        pattern,
        number,
        method: "messages.sendMessage".into(),
        account_kind: AccountKind::User,
        execution: Execution::Refused,
        extensions: Vec::new(),
    }
}

/// A failure on the way: `CONNECTION_LOST` after the call was sent, so that it may have been
/// carried out.
pub fn lost() -> Failure {
    Failure {
        layer: Layer::Network,
        code: 0,
        pattern: "CONNECTION_LOST".into(),
        execution: Execution::MaybeExecuted,
        ..failure("")
    }
}

impl Failure {
    /// The same with another code.
    pub fn code(self, code: i32) -> Self {
        Self { code, ..self }
    }

    /// The same of another method.
    pub fn method(self, method: &str) -> Self {
        Self {
            method: method.into(),
            ..self
        }
    }

    /// The same, met by a bot.
    pub fn by_bot(self) -> Self {
        Self {
            account_kind: AccountKind::Bot,
            ..self
        }
    }

    /// The same with another chance of having been carried out.
    pub fn execution(self, execution: Execution) -> Self {
        Self { execution, ..self }
    }
}

/// Splits `FLOOD_WAIT_37` into `FLOOD_WAIT_%d` and 37, as the gateway does: only a whole run of
/// digits behind an underscore counts.
fn split_number(name: &str) -> (String, Option<i64>) {
    let mut start = 0;
    for part in name.split('_') {
        let digits = part.strip_suffix("MIN").unwrap_or(part);
        if start > 0 && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            let (before, after) = (&name[..start], &name[start + digits.len()..]);
            return (format!("{before}%d{after}"), digits.parse().ok());
        }
        start += part.len() + 1;
    }
    (name.into(), None)
}

#[cfg(test)]
mod tests {
    use super::{failure, split_number};

    /// Breaks when a test asks a policy about another name than the gateway would.
    #[test]
    fn numbers_are_found_where_the_gateway_finds_them() {
        for (name, pattern, number) in [
            ("FLOOD_WAIT_37", "FLOOD_WAIT_%d", Some(37)),
            ("FILE_PART_3_MISSING", "FILE_PART_%d_MISSING", Some(3)),
            ("2FA_CONFIRM_WAIT_5", "2FA_CONFIRM_WAIT_%d", Some(5)),
            ("MD5_CHECKSUM_INVALID", "MD5_CHECKSUM_INVALID", None),
            ("IMPORT_WAIT_5MIN", "IMPORT_WAIT_%dMIN", Some(5)),
            ("", "", None),
        ] {
            assert_eq!(split_number(name), (pattern.to_owned(), number), "{name}");
        }
        assert_eq!(failure("FLOOD_WAIT_37").name(), "FLOOD_WAIT_37");
    }
}
