//! The nouns every other crate speaks in: accounts, failures, verdicts, decisions, events, problems.
//!
//! Owns no I/O and no runtime. Without default features it builds for `wasm32-unknown-unknown`,
//! because the shipped policies use [`Failure`], [`Verdict`], [`Attempt`] and [`Decision`].
//! What only the host needs (JSON, calendar time, stores, secrets) is behind the feature `host`.

mod batch;
mod category;
mod decision;
mod failure;
mod sample;
mod verdict;

pub use batch::Told;
pub use category::{Category, UnknownCategory};
pub use decision::{Attempt, Decision};
pub use failure::{AccountKind, Execution, Failure, Layer};
pub use sample::{Batch, Delivery, Happening, Sample, SampleKind};
pub use verdict::{Severity, Verdict, WaitScope};

#[cfg(feature = "host")]
mod account;
#[cfg(feature = "host")]
mod ambient;
#[cfg(feature = "host")]
mod event;
#[cfg(feature = "host")]
mod journal;
#[cfg(feature = "host")]
mod problem;
#[cfg(feature = "host")]
mod proxy;
#[cfg(feature = "host")]
mod secret;
#[cfg(feature = "host")]
mod store;
#[cfg(feature = "host")]
mod time;
#[cfg(feature = "host")]
mod waits;
#[cfg(feature = "host")]
mod way;

#[cfg(feature = "host")]
pub use {
    account::{AccountName, AccountState, BadAccountName, DeviceIdentity, Environment},
    ambient::{Clock, Random},
    event::{Cursor, Event, EventBody, PluginEvidence, RotationStatus},
    journal::{
        Author, Corrected, DecisionFilter, DecisionLog, DecisionPage, DecisionRecord, NoAnswer,
        Provenance,
    },
    problem::{FieldError, Problem, TelegramError},
    proxy::{BadProxy, Login, Look, Proxy, ProxyKind, ProxySecret},
    secret::Secret,
    store::{
        AccountRecord, ApiKeyRecord, AuthorizationId, AuthorizationRecord, AuthorizationRole,
        DcKey, EventFilter, EventLog, PeerKind, PeerRecord, RotationRecord, SessionStore,
        StoreError, UpdateState, UpdateStep,
    },
    time::UnixMillis,
    waits::{WaitRecord, WaitStore},
    way::{Ipv6, Transport, Way},
};
