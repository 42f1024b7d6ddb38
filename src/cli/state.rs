//! How a stage stands, as `status`, `why` and `dag` show it.

use hpipe_core::Outcome;

/// How a stage stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum State {
    /// Its outs are what the lock file records for its key.
    UpToDate,
    /// It would execute or be restored.
    Stale,
    /// A stage it needs would execute, so its inputs are not known yet.
    MayBeStale,
    /// It is declared `frozen` and not looked at.
    Frozen,
    /// Nobody looked: the graph is shown without its state.
    Unknown,
}

impl State {
    /// Every state, in the order legends and summaries name them.
    pub(crate) const ALL: [Self; 5] = [
        Self::UpToDate,
        Self::Stale,
        Self::MayBeStale,
        Self::Frozen,
        Self::Unknown,
    ];

    /// The state of a stage for which `repro` would come to `outcome`.
    pub(crate) const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::UpToDate | Outcome::Ran | Outcome::Restored => Self::UpToDate,
            Outcome::WouldRun | Outcome::WouldRestore | Outcome::Failed => Self::Stale,
            Outcome::MayRun | Outcome::Blocked => Self::MayBeStale,
            Outcome::Frozen => Self::Frozen,
        }
    }

    /// The word for this state in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::UpToDate => "up_to_date",
            Self::Stale => "stale",
            Self::MayBeStale => "may_be_stale",
            Self::Frozen => "frozen",
            Self::Unknown => "unknown",
        }
    }

    /// The words for this state to a person.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::UpToDate => "up to date",
            Self::Stale => "stale",
            Self::MayBeStale => "may be stale",
            Self::Frozen => "frozen",
            Self::Unknown => "unknown",
        }
    }

    /// The sign that stands beside the colour, so that colour never carries meaning alone; none for an unknown state.
    pub(crate) const fn mark(self) -> Option<char> {
        match self {
            Self::UpToDate => Some('✓'),
            Self::Stale => Some('●'),
            Self::MayBeStale => Some('○'),
            Self::Frozen => Some('*'),
            Self::Unknown => None,
        }
    }
}
