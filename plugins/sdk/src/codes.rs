//! The numbers of `sluice:core` as enums. Each keeps a number that it does not know: a gateway may
//! be newer than a plugin.

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $code:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
            /// A number of a later contract: treat it as the nearest general case.
            Other(u32),
        }

        impl $name {
            /// Every case with a name, in the order of the numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number in the contract.
            pub const fn code(self) -> u32 {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The case of a number.
            pub const fn from_code(code: u32) -> Self {
                match code {
                    $($code => Self::$variant,)*
                    other => Self::Other(other),
                }
            }

            /// The name in snake case, as in the gateway's API; `other` for a number without one.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(_) => "other",
                }
            }
        }
    };
}

codes! {
    /// Where a failure arose.
    Layer {
        /// Telegram answered with an rpc_error.
        Telegram = 0 "telegram",
        /// The transport failed.
        Network = 1 "network",
        /// A deadline passed.
        Timeout = 2 "timeout",
        /// The gateway itself.
        Gateway = 3 "gateway",
    }
}

codes! {
    /// Whether a call may have been carried out.
    Execution {
        /// Telegram refused it.
        Refused = 0 "refused",
        /// It was never sent.
        NeverSent = 1 "never_sent",
        /// It was sent, and nothing is known of it.
        MaybeExecuted = 2 "maybe_executed",
    }
}

codes! {
    /// Who called.
    AccountKind {
        /// A person's account.
        User = 0 "user",
        /// A bot.
        Bot = 1 "bot",
    }
}

codes! {
    /// The family of an error.
    Category {
        /// Telegram asks to wait.
        RateLimit = 0 "rate_limit",
        /// The account is not, or no longer, signed in.
        Auth = 1 "auth",
        /// The account may not do this.
        Permission = 2 "permission",
        /// What the call is about does not exist.
        NotFound = 3 "not_found",
        /// The call is wrong.
        InvalidRequest = 4 "invalid_request",
        /// The state does not allow it now.
        Conflict = 5 "conflict",
        /// Another data center is responsible.
        Migration = 6 "migration",
        /// The way to Telegram failed.
        Network = 7 "network",
        /// A deadline passed.
        Timeout = 8 "timeout",
        /// Telegram failed.
        Server = 9 "server",
        /// A policy of the gateway's refused it.
        Policy = 10 "policy",
        /// The gateway failed.
        Internal = 11 "internal",
    }
}

codes! {
    /// What a wait holds back.
    WaitScope {
        /// This call.
        Call = 0 "call",
        /// The method in this chat.
        Chat = 1 "chat",
        /// The method for this account.
        Method = 2 "method",
        /// The whole account.
        Account = 3 "account",
        /// The whole data center.
        Datacenter = 4 "datacenter",
    }
}

codes! {
    /// How much an operator should care.
    Severity {
        /// Normal running.
        Info = 0 "info",
        /// Worth a look.
        Warning = 1 "warning",
        /// Something is broken.
        Error = 2 "error",
        /// An account is lost, or about to be.
        Critical = 3 "critical",
    }
}

codes! {
    /// What a sample's value means.
    SampleKind {
        /// Only grows.
        Counter = 0 "counter",
        /// Goes up and down.
        Gauge = 1 "gauge",
        /// A part of a summary: `x` with the label `quantile`, `x_sum` or `x_count`.
        Summary = 2 "summary",
    }
}

#[cfg(test)]
mod tests {
    use super::{Category, Layer};

    /// Breaks when a number of a newer gateway gets lost on the way through a plugin.
    #[test]
    fn numbers_come_back_as_they_went_in() {
        for code in 0..20 {
            assert_eq!(Category::from_code(code).code(), code);
            assert_eq!(Layer::from_code(code).code(), code);
        }
        assert_eq!(Category::from_code(12), Category::Other(12));
        assert_eq!(Category::ALL.len(), 12);
    }
}
