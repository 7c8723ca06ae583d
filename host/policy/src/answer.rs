use std::sync::Arc;

use sluice_domain::{Decision, UnixMillis, Verdict};

/// An answer that is in force, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// Inside the envelope.
    pub answer: T,
    /// The moment that policies were told: with it and the question an answer can be repeated bit
    /// for bit.
    pub at: UnixMillis,
    /// Who gave it.
    pub by: Answerer,
    /// How the envelope corrected it.
    pub breach: Option<&'static str>,
    /// What was answered, where the envelope corrected it.
    pub answered: Option<T>,
    /// The plugin that was asked before and did not answer, and why.
    pub fault: Option<(Answerer, String)>,
}

/// Where an answer comes from: an [`Answer`] without what is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source<T> {
    /// The moment that policies were told.
    pub at: UnixMillis,
    /// Who gave it.
    pub by: Answerer,
    /// How the envelope corrected it.
    pub breach: Option<&'static str>,
    /// What was answered, where the envelope corrected it.
    pub answered: Option<T>,
    /// The plugin that was asked before and did not answer, and why.
    pub fault: Option<(Answerer, String)>,
}

impl<T> Answer<T> {
    /// What is in force, and where it comes from.
    pub fn take(self) -> (T, Source<T>) {
        let Self {
            answer,
            at,
            by,
            breach,
            answered,
            fault,
        } = self;
        let source = Source {
            at,
            by,
            breach,
            answered,
            fault,
        };
        (answer, source)
    }
}

/// What a failure is, and who says so.
pub type Judged = Answer<Verdict>;

/// What is done about a failed attempt, and who says so.
pub type Decided = Answer<Decision>;

/// One generation of a plugin, or a native library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answerer {
    /// The plugin's name; `native-retry` and the like for the library inside the gateway.
    pub name: Arc<str>,
    /// 0 for a native library.
    pub generation: u64,
    /// SHA-256 of the component, in hex; none for a native library.
    pub hash: Option<Arc<str>>,
    /// SHA-256 of the settings it was configured with, in hex; none without settings.
    pub settings: Option<Arc<str>>,
}
