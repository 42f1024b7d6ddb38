//! Collects what was found damaged in the cache folder.
//!
//! Everything in the cache can be computed again, so damage never stops a command: whoever finds it says so here,
//! behaves as if the thing were not there, and the command prints the warnings.

use std::sync::{Mutex, PoisonError};

/// The warnings since somebody last took them.
#[derive(Debug, Default)]
pub(crate) struct Warnings(Mutex<Vec<String>>);

impl Warnings {
    /// Adds a warning: one sentence fragment, lowercase, without full stop.
    pub(crate) fn add(&self, warning: String) {
        let mut warnings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Takes all warnings.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
