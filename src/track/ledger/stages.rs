//! The stages a model version may stand in.

use super::error::{LedgerError, Result};

/// Where a model version stands. MLflow knows all but [`Development`](Self::Development), and its client passes the names
/// through as texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nowhere yet.
    None,
    /// Being made.
    Development,
    /// Being tried.
    Staging,
    /// In use.
    Production,
    /// No longer used.
    Archived,
}

impl Stage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Development,
        Self::Staging,
        Self::Production,
        Self::Archived,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Development => "Development",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// The stage of this name, in capitals or not.
    ///
    /// # Errors
    /// When there is none.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL
            .into_iter()
            .find(|stage| stage.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| {
            LedgerError::invalid(format!(
                "Invalid Model Version stage: {name}. Value must be one of None, Development, Staging, Production, \
                 Archived."
            ))
        })
    }

    /// Whether versions in it are in use, so that one that comes may archive the others.
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Staging | Self::Production)
    }
}
