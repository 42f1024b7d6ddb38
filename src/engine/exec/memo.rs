//! The memo of a built-in stage, kept in the store.
//!
//! Keys are scoped by the built-in's name and version: two built-ins, or two versions of one, never read each other's
//! values. Nothing of the memo enters the stage key.
//!
//! Who asks for an execution (`--force`, `always_changed`) wants all of it anew: nothing is recalled, and what is
//! remembered replaces what was. `--no-run-cache` recalls nothing either, but what was remembered first stands, as in the
//! run cache.

use std::sync::atomic::{AtomicBool, Ordering};

use hpipe_core::{Digest, Event, EventSink, Memo, Stage, StageName, with_causes};
use hpipe_spec::StageSpec;
use hpipe_store::Store;

/// Separates memo keys from every other use of BLAKE3; the number is the version of the encoding.
const CONTEXT: &str = "hpipe memo key 1";

/// What an execution may make of what former ones remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MemoUse {
    /// What is remembered may answer.
    pub(crate) recall: bool,
    /// What this execution remembers takes the place of what was.
    pub(crate) replace: bool,
}

impl MemoUse {
    /// The same for `stage`: one that is declared to execute always executes whole.
    pub(crate) const fn of(self, stage: &StageSpec) -> Self {
        Self {
            recall: self.recall && !stage.always_changed,
            replace: self.replace || stage.always_changed,
        }
    }
}

/// The memo of one execution.
pub(super) struct StoredMemo<'a> {
    pub(super) store: &'a Store,
    pub(super) builtin: &'a dyn Stage,
    pub(super) usage: MemoUse,
    pub(super) stage: &'a StageName,
    pub(super) sink: &'a dyn EventSink,
    /// Remembering failed, and the user knows.
    pub(super) gave_up: AtomicBool,
}

impl StoredMemo<'_> {
    /// Name and version of the built-in and its own key, lengths first, little-endian.
    fn scoped(&self, key: &Digest) -> Digest {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let name = self.builtin.name();
        hasher.update(&(name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        hasher.update(&self.builtin.version().to_le_bytes());
        hasher.update(&[key.function().tag()]);
        hasher.update(key.as_bytes());
        Digest::blake3(*hasher.finalize().as_bytes())
    }
}

impl Memo for StoredMemo<'_> {
    fn recall(&self, key: &Digest) -> Option<Vec<u8>> {
        match self.usage.recall {
            true => self.store.recall(&self.scoped(key)),
            false => None,
        }
    }

    fn remember(&self, key: &Digest, value: &[u8]) {
        if self.gave_up.load(Ordering::Relaxed) {
            return;
        }
        let kept = self
            .store
            .remember(&self.scoped(key), value, self.usage.replace);
        if let Err(error) = kept
            && !self.gave_up.swap(true, Ordering::Relaxed)
        {
            self.sink.emit(&Event::StageNote {
                stage: self.stage.clone(),
                text: format!(
                    "failed to {}; if it is interrupted, it cannot resume",
                    with_causes(&error)
                ),
            });
        }
    }
}
