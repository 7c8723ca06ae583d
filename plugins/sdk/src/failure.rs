use crate::{AccountKind, Execution, Layer};

/// Names and values that a later gateway may add; pass over names that you do not know.
pub type Extensions = Vec<(String, String)>;

/// One failed attempt of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where it arose.
    pub layer: Layer,
    /// Telegram's error code (420, 400, …); 0 outside [`Layer::Telegram`].
    pub code: i32,
    /// The name with its number replaced by `%d` (`FLOOD_WAIT_%d`). Outside Telegram one of
    /// `CONNECTION_LOST`, `NOT_CONNECTED`, `DEADLINE`, `OVERLOADED`.
    pub pattern: String,
    /// The number in the name (37 of `FLOOD_WAIT_37`).
    pub number: Option<i64>,
    /// The method that was called (`messages.sendMessage`).
    pub method: String,
    /// Who called.
    pub account_kind: AccountKind,
    /// Whether it may have been carried out.
    pub execution: Execution,
    /// Of a categorizer's question. Empty inside an attempt, which has its own.
    pub extensions: Extensions,
}

impl Failure {
    /// The name as Telegram sent it (`FLOOD_WAIT_37`).
    pub fn name(&self) -> String {
        match self.number {
            Some(number) => self.pattern.replacen("%d", &number.to_string(), 1),
            None => self.pattern.clone(),
        }
    }
}
