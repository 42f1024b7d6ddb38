//! Which files of a folder are behind a reason that names the folder alone.

use hpipe_core::{ProjectPath, Reason, ReasonKind};
use hpipe_store::Difference;

use crate::Error;
use crate::graph::StageIndex;
use crate::workspace::Workspace;

impl Workspace {
    /// How the folder that `reason` names, a dep or an out of `stage`, differs from what the lock file records; empty when
    /// it is about no folder, or when what it held is not known any more.
    ///
    /// # Errors
    /// Those of reading the lock files and the folder.
    pub fn folder_changes(
        &self,
        stage: StageIndex,
        reason: &Reason,
    ) -> Result<Vec<(ProjectPath, Difference)>, Error> {
        let lock = self.read_lock()?;
        let entry = lock.entry(&self.stage(stage).name);
        let (Some(entry), Some(name)) = (entry, &reason.name) else {
            return Ok(Vec::new());
        };
        let deps = entry.deps.iter().map(|dep| (&dep.path, &dep.content));
        let outs = entry.outs.iter().map(|out| (&out.path, &out.content));
        let is_named = |(path, _): &(&ProjectPath, _)| path.as_str() == name;
        let former = match reason.kind {
            ReasonKind::DepChanged => deps.into_iter().find(is_named),
            ReasonKind::OutChanged => outs.into_iter().find(is_named),
            _ => None,
        };
        let Some((path, former)) = former else {
            return Ok(Vec::new());
        };
        Ok(self
            .store()
            .folder_differences(path, former)?
            .unwrap_or_default())
    }
}
