use crate::Kind;
use crate::runtime::is_closed;

/// A release of the contracts that this gateway speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Release {
    /// 0.1.0.
    V0_1,
    /// 1.0.0.
    V1,
}

impl Release {
    /// Oldest first.
    pub(crate) const ALL: [Self; 2] = [Self::V0_1, Self::V1];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1.0",
            Self::V1 => "1.0.0",
        }
    }

    fn of(version: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|release| release.as_str() == version)
    }
}

/// What a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub kind: Kind,
    pub release: Release,
}

/// Interfaces a policy may import, whatever their release.
const IMPORTS: [&str; 2] = ["sluice:host/log", "sluice:core/types"];

/// What a component is, from the names of what it exports, or why it is none of ours.
pub(crate) fn spoken<'a>(exports: impl Iterator<Item = &'a str>) -> Result<Spoken, String> {
    let mut found: Option<Spoken> = None;
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
        let release = Release::of(version).ok_or_else(|| format!("speaks {name}; {}", range()))?;
        if let Some(other) = found.replace(Spoken { kind, release }) {
            return Err(format!(
                "exports both {}@{} and {name}; a component is one policy of one release",
                Kind::as_str(other.kind),
                other.release.as_str(),
            ));
        }
    }
    found.ok_or_else(|| {
        format!(
            "exports no policy; expected one of sluice:retry/policy, sluice:categorize/policy, \
             sluice:export/policy at {}",
            Release::V1.as_str()
        )
    })
}

/// Refuses what a policy must not reach for.
pub(crate) fn check_imports<'a>(imports: impl Iterator<Item = &'a str>) -> Result<(), String> {
    for name in imports {
        let (interface, version) = name.split_once('@').unwrap_or((name, ""));
        if is_closed(name) {
            continue;
        }
        if !IMPORTS.contains(&interface) {
            return Err(format!(
                "imports {name}; a policy is given sluice:host/log, a closed WASI 0.2 and nothing else"
            ));
        }
        if Release::of(version).is_none() {
            return Err(format!("imports {name}; {}", range()));
        }
    }
    Ok(())
}

/// What an author is told whose component speaks something else.
fn range() -> String {
    let [oldest, newest] = Release::ALL.map(Release::as_str);
    format!(
        "this gateway speaks {oldest} to {newest}: build it again with `sluice plugin build FOLDER`"
    )
}
