//! Which locks stand for a stage, and how those who work on one outside of the loop take them.
//!
//! A stage is locked by its name; what is made under that lock is locked too, by its mutexes and the paths of its outs, for
//! another pipeline file (`-f`) may have a stage of another name that declares the same path. In a replica what is locked is
//! the work and not the stage ([`repro`](crate::repro)), and its outs are its own.

use std::sync::mpsc::channel;

use hpipe_core::{Event, EventSink};
use hpipe_store::{LockName, StageLock};

use crate::graph::StageIndex;
use crate::location::PIPELINE_LOCK;
use crate::workspace::Workspace;
use crate::{Cancellation, Error};

/// How long to wait for a stage that somebody else has.
#[derive(Clone, Copy)]
pub(crate) enum Patience<'a> {
    /// Until it is free.
    Endless,
    /// Not at all.
    None,
    /// Until it is free, or the user wants to stop; that one waits is told.
    UntilStopped(&'a Cancellation, &'a dyn EventSink),
}

impl Workspace {
    /// The lock of a stage: the same however the project is looked at. A file that the user named gives its stages names
    /// that the project's own have too.
    pub(crate) fn lock_of(&self, stage: StageIndex) -> LockName {
        let name = &self.stage(stage).name;
        let file = self.file_of(stage);
        let is_usual = !file.is_root || file.lock.as_str() == PIPELINE_LOCK;
        LockName::Stage(match is_usual {
            true => name.clone(),
            false => name.in_file(file.path.as_str()),
        })
    }

    /// The locks of what a stage takes for itself while it works, in the order in which everybody takes them.
    pub(crate) fn inner_locks(&self, stage: StageIndex, mutexes: &[String]) -> Vec<LockName> {
        let mutexes = mutexes.iter().cloned().map(LockName::Mutex);
        let outs = self.stage(stage).outs.iter().map(|out| out.path.clone());
        let outs = outs.filter(|_| !self.store().is_replica());
        let mut locks: Vec<_> = mutexes.chain(outs.map(LockName::Out)).collect();
        locks.sort_unstable();
        locks
    }

    /// The right to work on a stage; none when the user wants to stop before it is to be had.
    ///
    /// # Errors
    /// [`Error::Busy`] without patience; [`Error::Store`] when there are no locks to be had.
    pub(crate) fn hold(
        &self,
        stage: StageIndex,
        patience: Patience<'_>,
    ) -> Result<Option<StageLock>, Error> {
        let lock = self.lock_of(stage);
        match (patience, self.store().try_lock(&lock)?) {
            (_, Some(free)) => Ok(Some(free)),
            (Patience::None, None) => Err(Error::Busy(self.stage(stage).name.clone())),
            (Patience::Endless, None) => Ok(Some(self.store().lock(&lock)?)),
            (Patience::UntilStopped(cancellation, sink), None) => {
                let stage = self.stage(stage).name.clone();
                sink.emit(&Event::StageWaiting { stage });
                self.wait(&lock, cancellation)
            }
        }
    }

    fn wait(
        &self,
        lock: &LockName,
        cancellation: &Cancellation,
    ) -> Result<Option<StageLock>, Error> {
        let (sender, heard) = channel();
        let (stopped, waiter) = (sender.clone(), self.store().waiter(lock));
        let _listening = cancellation.subscribe(move |_| {
            let _ = stopped.send(None); // nobody listens any more
        });
        if cancellation.is_requested() {
            return Ok(None);
        }
        // Not joined: when the user interrupts, nobody waits for the other process.
        std::thread::spawn(move || sender.send(Some(waiter())));
        Ok(heard.recv().ok().flatten().transpose()?)
    }
}
