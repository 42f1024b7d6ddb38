//! To whom results are handed on: who keeps more of a stage's outs than cache and lock file do.
//!
//! A stage can only write files; what shall stand in a database because of them is put there by a [`Recipient`], after the
//! stage executed, was restored, or was found up to date. It must be able to take the same thing twice. As long as it has
//! not got everything, nobody may say that nothing is to be done: no seal is left (`seal`), and one that was left holds
//! only while the recipient [stands](Recipient::standing) as it stood then.

use std::fmt;
use std::sync::Arc;

use hpipe_spec::StageSpec;

use crate::workspace::Workspace;

/// Somebody who takes results.
pub trait Recipient: Send + Sync {
    /// Whether it wants what `stage` makes.
    fn wants(&self, stage: &StageSpec) -> bool;

    /// Takes what these stages made, which lies in the workspace as the lock file says, and says whether it has all of it
    /// now.
    fn take(&self, workspace: &Workspace, stages: &[&StageSpec]) -> bool;

    /// What it has, in its own words; asked before anything is read, so it should cost little.
    fn standing(&self) -> Vec<u8>;
}

/// A recipient that options hold.
#[derive(Clone)]
pub struct Handing(Arc<dyn Recipient>);

impl Handing {
    /// Hands on to `recipient`.
    pub fn to(recipient: Arc<dyn Recipient>) -> Self {
        Self(recipient)
    }

    pub(crate) fn recipient(&self) -> &dyn Recipient {
        &*self.0
    }
}

impl fmt::Debug for Handing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handing")
    }
}
