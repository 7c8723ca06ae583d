//! The contracts in `wit/`, and the way between their records and the gateway's own.
//!
//! Every conversion takes its argument apart without `..` and builds its result without defaults:
//! a field added on one side does not compile until the other side has it.

pub(crate) mod categorize;
pub(crate) mod export;
pub(crate) mod retry;

use crate::Kind;

/// The version of the contracts this gateway speaks.
pub(crate) const VERSION: &str = "0.1.0";

/// Interfaces a policy may import.
const IMPORTS: [&str; 2] = ["sluice:host/log@", "sluice:core/types@"];

/// What a component is, from the names of what it exports, or why it is none of ours.
pub(crate) fn kind<'a>(exports: impl Iterator<Item = &'a str>) -> Result<Kind, String> {
    let mut found = None;
    for name in exports {
        let Some((interface, version)) = name.split_once('@') else {
            continue;
        };
        let kind = match interface {
            "sluice:retry/policy" => Kind::Retry,
            "sluice:categorize/policy" => Kind::Categorize,
            "sluice:export/policy" => Kind::Export,
            _ => continue,
        };
        if version != VERSION {
            return Err(format!(
                "speaks {name}; this gateway speaks {VERSION}: build it again with the wit/ folder of this gateway"
            ));
        }
        if let Some(other) = found.replace(kind) {
            return Err(format!(
                "exports both {} and {}; a component is one policy",
                Kind::as_str(other),
                kind.as_str()
            ));
        }
    }
    found.ok_or_else(|| {
        format!(
            "exports no policy; expected one of sluice:retry/policy, sluice:categorize/policy, \
             sluice:export/policy at {VERSION}"
        )
    })
}

/// Refuses what a policy must not reach for.
pub(crate) fn check_imports<'a>(imports: impl Iterator<Item = &'a str>) -> Result<(), String> {
    for name in imports {
        let Some(known) = IMPORTS.iter().find(|known| name.starts_with(**known)) else {
            return Err(format!(
                "imports {name}; a policy is given sluice:host/log {VERSION} and nothing else"
            ));
        };
        if name.strip_prefix(known) != Some(VERSION) {
            return Err(format!(
                "imports {name}; this gateway gives version {VERSION}"
            ));
        }
    }
    Ok(())
}
