//! Which run made what a stage holds, also where it was restored since: the stage key tells.

use std::collections::BTreeMap;

use hpipe_core::StageName;
use hpipe_engine::Workspace;
use hpipe_track::Ledger;

use super::subject;
use crate::registering::MODELS;

/// Of those of `stages` that are tracked, the run that made what the lock file records of them.
///
/// Records that cannot be read have nothing to say here; whoever asks for runs is told.
pub(crate) fn makers<'a>(
    workspace: &Workspace,
    stages: impl Iterator<Item = &'a StageName>,
) -> BTreeMap<StageName, String> {
    let is_tracked = |stage: &&StageName| {
        let index = workspace.graph().find(stage.as_str());
        index.is_some_and(|index| subject::is_tracked(workspace.stage(index)))
    };
    let mut stages = stages.filter(is_tracked).peekable();
    if stages.peek().is_none() {
        return BTreeMap::new();
    }
    let Ok(lock) = workspace.read_lock() else {
        return BTreeMap::new(); // the command has told
    };
    let keys = stages.filter_map(|stage| Some((stage, lock.entry(stage)?.key.to_string())));
    let models = workspace.location().root.join(MODELS);
    let found = Ledger::look(&models, |records| {
        let mut runs = BTreeMap::new();
        for (stage, key) in keys {
            let run = records.run_that_made(&key)?;
            runs.extend(run.map(|run| (stage.clone(), run)));
        }
        Ok(runs)
    });
    found.ok().flatten().unwrap_or_default()
}

/// The run that made what one stage holds.
pub(crate) fn maker(workspace: &Workspace, stage: &StageName) -> Option<String> {
    makers(workspace, std::iter::once(stage)).remove(stage)
}
