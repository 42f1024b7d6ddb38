//! Locks of stages that other processes may hold too.
//!
//! A stage that must work is locked first, so that two hpipe processes never execute it at once, and decided about again
//! under the lock: another process may have done the work meanwhile.

use hpipe_core::{Digest, Event};
use hpipe_store::{LockName, StageLock};

use super::driver::{Message, Repro};
use crate::Error;
use crate::checkout::suppose_recorded;
use crate::graph::StageIndex;

/// The locks under which a stage executes.
pub(super) struct Held {
    /// That of the stage, held until its result is published.
    pub(super) stage: StageLock,
    /// Those of its mutexes and outs, held until it has ended.
    #[expect(dead_code, reason = "held until it is dropped")]
    inner: Vec<StageLock>,
}

impl Repro<'_> {
    /// The locks of a stage; none when another process has one, and we will be told when it lets go.
    pub(super) fn lock(&mut self, index: StageIndex) -> Result<Option<Held>, Error> {
        if let Some(held) = self.awaited.remove(&index) {
            self.catch_up()?;
            return Ok(Some(held));
        }
        let workspace = self.setting.workspace;
        let outer = match self.key_to_lock(index)? {
            Some(key) => LockName::Key(key),
            None => workspace.lock_of(index),
        };
        let inner = workspace.inner_locks(index, self.schedule.mutexes(index));
        let stage = match self.retries.kept(index) {
            Some(kept) => Some(kept),
            None => workspace.store().try_lock(&outer)?,
        };
        let Some(stage) = stage else {
            let waiter = workspace.store().waiter(&outer);
            return self.wait_for(index, waiter, &inner);
        };
        let free = inner.iter().map(|lock| workspace.store().try_lock(lock));
        match free.collect::<Result<Option<Vec<_>>, _>>()? {
            Some(inner) => Ok(Some(Held { stage, inner })),
            None => self.wait_for(index, move || Ok(stage), &inner),
        }
    }

    /// Waits for the locks of a stage on a thread of its own: one after the other, in an order that is everybody's, so no
    /// two processes wait for each other.
    fn wait_for(
        &mut self,
        index: StageIndex,
        outer: impl FnOnce() -> Result<StageLock, hpipe_store::Error> + Send + 'static,
        inner: &[LockName],
    ) -> Result<Option<Held>, Error> {
        let workspace = self.setting.workspace;
        let stage = workspace.stage(index).name.clone();
        if !self.options.wait {
            return Err(Error::Busy(stage));
        }
        self.setting.sink.emit(&Event::StageWaiting { stage });
        self.waiting += 1;
        self.schedule.postpone(index);
        let inner: Vec<_> = inner
            .iter()
            .map(|lock| workspace.store().waiter(lock))
            .collect();
        let post = self.post.clone();
        let hold = move || {
            let stage = outer()?;
            let inner = inner
                .into_iter()
                .map(|wait| wait())
                .collect::<Result<_, _>>()?;
            Ok(Held { stage, inner })
        };
        // Not joined: when the user interrupts, nobody waits for the other process.
        std::thread::spawn(move || post.send(Message::Locked(index, hold())));
        Ok(None)
    }

    /// In a replica, what is locked is the work and not the stage: replicas execute a stage beside each other with other
    /// params, and what is the same in several (the stages before) one executes and the others restore.
    fn key_to_lock(&self, index: StageIndex) -> Result<Option<Digest>, Error> {
        if !self.setting.workspace.store().is_replica() {
            return Ok(None);
        }
        Ok(self.decide(index)?.key())
    }

    /// Another process worked in this project: what we saw before may be half of what it made.
    pub(super) fn catch_up(&mut self) -> Result<(), Error> {
        let workspace = self.setting.workspace;
        self.inputs.forget_everything();
        self.recall.forget_everything();
        self.lock_stamp = workspace.lock_stamp();
        self.lock_file = workspace.read_lock()?;
        if self.options.allow_missing {
            suppose_recorded(self.inputs, workspace)?;
        }
        Ok(())
    }

    pub(super) fn unblocked(&mut self, stage: StageIndex, held: Result<Held, hpipe_store::Error>) {
        self.waiting -= 1;
        match held {
            Ok(held) => {
                self.awaited.insert(stage, held);
                self.schedule.queue(stage);
            }
            Err(error) => self.give_up(error.into()),
        }
    }
}
