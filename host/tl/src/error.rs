use sluice_domain::FieldError;

/// Why JSON could not be encoded. Always the caller's mistake; nothing has been sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The schema has no such method.
    #[error("unknown method `{name}`{}", did_you_mean(suggestion.as_deref()))]
    UnknownMethod {
        /// As asked for.
        name: String,
        /// The nearest name there is, when one is near.
        suggestion: Option<String>,
    },
    /// The schema has no such type (a caller inside the gateway named it).
    #[error("unknown type `{0}`")]
    UnknownType(String),
    /// The value does not fit the schema: every fault found, up to
    /// [`MAX_FAULTS`](crate::limits::MAX_FAULTS).
    #[error("{}", faults(.0))]
    Invalid(Vec<FieldError>),
}

pub(crate) fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(" (did you mean `{name}`?)"))
}

fn faults(errors: &[FieldError]) -> String {
    let texts: Vec<_> = errors
        .iter()
        .map(|error| format!("{}: {}", error.pointer, error.detail))
        .collect();
    texts.join("; ")
}

/// Why bytes could not be decoded. `at` is the offset in the bytes given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end at {at}, inside a value")]
    Truncated {
        /// Where more was needed.
        at: usize,
    },
    /// The schema has no such constructor or method.
    #[error("unknown id {id:#010x} at {at}, where {expected} was expected")]
    UnknownId {
        /// The id found.
        id: u32,
        /// Where.
        at: usize,
        /// The type that was expected there.
        expected: String,
    },
    /// A constructor of another type.
    #[error("`{found}` at {at}, where {expected} was expected")]
    WrongType {
        /// The constructor found.
        found: &'static str,
        /// Where.
        at: usize,
        /// The type that was expected there.
        expected: String,
    },
    /// A length prefix that TL does not have.
    #[error("a bad length at {at}")]
    BadLength {
        /// Where.
        at: usize,
    },
    /// Deeper than [`MAX_DEPTH`](crate::limits::MAX_DEPTH).
    #[error("nested too deep at {at}")]
    TooDeep {
        /// Where.
        at: usize,
    },
    /// More values than [`MAX_ELEMENTS`](crate::limits::MAX_ELEMENTS), or a vector that announces
    /// more than its bytes can hold.
    #[error("too many elements at {at}")]
    TooManyElements {
        /// Where.
        at: usize,
    },
    /// Longer than [`MAX_BYTES`](crate::limits::MAX_BYTES).
    #[error("{0} bytes are too many")]
    TooLarge(usize),
    /// More wrappers than [`MAX_WRAPPERS`](crate::limits::MAX_WRAPPERS).
    #[error("too many wrappers around a query")]
    TooManyWrappers,
    /// Bytes are left over after the value.
    #[error("bytes are left over from {at}")]
    Trailing {
        /// Where the value ended.
        at: usize,
    },
    /// The schema has no such method (a caller inside the gateway named it).
    #[error("unknown method `{0}`")]
    UnknownMethod(String),
    /// The schema has no such type (a caller inside the gateway named it).
    #[error("unknown type `{0}`")]
    UnknownType(String),
}
