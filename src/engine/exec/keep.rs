//! Nothing is lost: content at an out's path that no record knows (somebody edited it, or it was there before the stage
//! was) is stored as an object before it is replaced or removed, and its digest is told.

use hpipe_core::{Event, EventSink, ProjectPath, StageName};
use hpipe_store::OutRecord;

use super::{Setting, Stopped, failure};
use crate::inputs::is_no_content;
use crate::workspace::Workspace;

/// Who keeps what lies at the outs of one stage.
#[derive(Clone, Copy)]
pub(crate) struct Keeper<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) sink: &'a dyn EventSink,
    pub(crate) stage: &'a StageName,
    /// What its outs should be.
    pub(crate) recorded: &'a [OutRecord],
}

impl<'a> Keeper<'a> {
    /// That of an execution.
    pub(super) fn of(
        setting: Setting<'a>,
        stage: &'a StageName,
        recorded: &'a [OutRecord],
    ) -> Self {
        Self {
            workspace: setting.workspace,
            sink: setting.sink,
            stage,
            recorded,
        }
    }

    /// Stores what lies at `path` if no record knows it.
    ///
    /// # Errors
    /// [`Stopped::Unready`] when it is nothing that can be stored; [`Stopped::Machine`].
    pub(crate) fn keep(self, path: &ProjectPath) -> Result<(), Stopped> {
        let store = self.workspace.store();
        if store.is_replica() {
            return Ok(()); // no user writes there
        }
        let Some(found) = store.content(path).map_err(unready)? else {
            return Ok(());
        };
        let mut recorded = self.recorded.iter();
        let is_recorded = recorded.any(|out| out.path == *path && out.content.same(&found));
        if is_recorded || found.files == 0 || store.has(&found) {
            return Ok(());
        }
        if let Some(kept) = store.commit(path)? {
            self.sink.emit(&Event::kept(self.stage, path, &kept.digest));
        }
        Ok(())
    }
}

/// What lies there hinders the stage before anything of it executed.
pub(super) fn unready(error: hpipe_store::Error) -> Stopped {
    match is_no_content(&error) {
        true => Stopped::Unready(failure::unfit_out(&error).into()),
        false => error.into(),
    }
}
