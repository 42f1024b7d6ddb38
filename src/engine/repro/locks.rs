//! Locks of stages that other processes may hold too.
//!
//! A stage that must work is locked first, so that two hpipe processes never execute it at once, and decided about again
//! under the lock: another process may have done the work meanwhile.

use hpipe_core::{Digest, Event};
use hpipe_store::StageLock;

use super::driver::{Message, Repro};
use crate::Error;
use crate::checkout::suppose_recorded;
use crate::graph::StageIndex;

/// The locks under which a stage executes.
pub(super) struct Held {
    /// That of the stage, held until its result is published.
    pub(super) stage: StageLock,
    /// Those of its mutexes, held until it has ended.
    #[expect(dead_code, reason = "held until it is dropped")]
    pub(super) mutexes: Vec<StageLock>,
}

fn hold<E>(
    stage: impl FnOnce() -> Result<StageLock, E>,
    mutexes: impl FnOnce() -> Result<Vec<StageLock>, E>,
) -> Result<Held, E> {
    Ok(Held {
        stage: stage()?,
        mutexes: mutexes()?,
    })
}

impl Repro<'_> {
    /// The lock of a stage; none when another process has it, and we will be told when it lets go.
    pub(super) fn lock(&mut self, index: StageIndex) -> Result<Option<Held>, Error> {
        if let Some(held) = self.awaited.remove(&index) {
            self.catch_up()?;
            return Ok(Some(held));
        }
        let name = &self.setting.workspace.stage(index).name;
        let store = self.setting.workspace.store();
        let key = self.key_to_lock(index)?;
        let free = match &key {
            Some(key) => store.try_lock_key(key)?,
            None => store.try_lock_stage(name)?,
        };
        if let Some(stage) = free
            && let Some(mutexes) = self.try_mutexes(index)?
        {
            return Ok(Some(Held { stage, mutexes }));
        }
        if !self.options.wait {
            return Err(Error::Busy(name.clone()));
        }
        self.setting.sink.emit(&Event::StageWaiting {
            stage: name.clone(),
        });
        self.waiting += 1;
        self.schedule.postpone(index);
        let mutexes = self.schedule.mutexes(index).iter();
        let mutexes: Vec<_> = mutexes.map(|mutex| store.mutex_waiter(mutex)).collect();
        // One after the other, in the order of their names: so no two processes wait for each other.
        let mutexes = move || mutexes.into_iter().map(|wait| wait()).collect();
        let post = self.post.clone();
        // Not joined: when the user interrupts, nobody waits for the other process.
        match &key {
            Some(key) => {
                let waiter = store.key_waiter(key);
                std::thread::spawn(move || post.send(Message::Locked(index, hold(waiter, mutexes))))
            }
            None => {
                let waiter = store.stage_waiter(name);
                std::thread::spawn(move || post.send(Message::Locked(index, hold(waiter, mutexes))))
            }
        };
        Ok(None)
    }

    /// The mutexes of a stage; none when another process has one of them.
    fn try_mutexes(&self, index: StageIndex) -> Result<Option<Vec<StageLock>>, Error> {
        let store = self.setting.workspace.store();
        let mutexes = self.schedule.mutexes(index).iter();
        let held = mutexes.map(|mutex| store.try_lock_mutex(mutex));
        Ok(held.collect::<Result<Option<Vec<_>>, _>>()?)
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
