//! A Telegram of our own: several data centers in one process, good enough that real clients
//! cannot tell, for tests and for `sluice demo`.
//!
//! In front of them there may be proxies, of every kind that clients are configured with.
//!
//! Owns: users, bots, groups, channels and their messages; authorizations; the server side of every
//! connection; faults on demand and the journal of what was seen. Refuses to own: MTProto's bytes
//! (that is `host/mtproto` in its server role) and TL's (`host/tl`). It never uses the gateway's
//! links or store, so that one mistake cannot hide on both sides.
//!
//! [`DataCenter::start`] gives a handle; the same powers are offered over HTTP on the loopback
//! interface, under [`DataCenter::control_url`] with [`DataCenter::control_key`].

mod clock;
mod control;
mod datacenter;
mod disk;
mod journal;
mod keys;
mod net;
mod options;
mod proxy;
mod refusal;
mod rpc;
mod rules;
mod system;
mod value;
mod world;

pub use clock::WorldClock;
pub use datacenter::DataCenter;
pub use disk::DiskError;
pub use journal::{JournalEntry, JournalFilter, Outcome};
pub use net::{PushCounts, PushFaults};
pub use options::{DcInfo, Options, StartError};
pub use proxy::{ProxyCounts, ProxyServer};
pub use rules::{Action, Forgery, Match, Rule, RuleId, RuleView};
pub use sluice_mtproto::exchange::Corruption;
pub use world::{AccountInfo, AuthorizationInfo, Bounds, NewAccount, NewChannel, WorldError};
