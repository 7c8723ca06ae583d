use std::borrow::Cow;

/// An `rpc_error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i32,
    pub(crate) name: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(code: i32, name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            name: name.into(),
        }
    }

    /// 400, the usual one.
    pub(crate) const fn bad(name: &'static str) -> Self {
        Self {
            code: 400,
            name: Cow::Borrowed(name),
        }
    }

    /// 303 `{what}_MIGRATE_{dc}`.
    pub(crate) fn migrate(what: &str, dc: i32) -> Self {
        Self::new(303, format!("{what}_MIGRATE_{dc}"))
    }
}
