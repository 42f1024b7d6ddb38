//! Removes from the cache what nothing needs: objects, run records, the memo, logs, files of locks, leftovers.
//!
//! Three steps: `inventory` lists what lies in the cache, `reach` follows what is needed through folder nodes to every
//! object, and what is left is [`Garbage`], less what the [`GarbageRules`] keep all the same. Needed is what a lock file
//! names, in its text: every digest there, be it an object's or a stage key's. So a lock file that cannot be parsed, of
//! another version or with merge conflicts, keeps what it names like any other.
//!
//! Nothing needed can go, whoever works meanwhile: see `collection`. Run records go before objects, so that a killed
//! removal leaves no record of what is gone, and a damaged folder node, which may lead to anything, keeps all objects.
//!
//! Does not know where lock files lie: the caller reads them, in folders and in git.

mod budget;
mod inventory;
mod needed;
mod reach;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::time::Duration;

use hpipe_core::{ContentKind, Digest};

pub use needed::Needed;

use crate::attempts::journal;
use crate::cache_folder::Kept;
use crate::collection::Removing;
use crate::{Error, RunRecord, Store, disk, scratch, utc};
use budget::Budget;
use inventory::Run;
pub(crate) use inventory::{Inventory, Thing};
use reach::Reach;

/// What is kept although no lock file needs it. Without any of these nothing is.
#[derive(Debug, Clone, Copy, Default)]
pub struct GarbageRules {
    /// What is not older than this.
    pub older_than: Option<Duration>,
    /// The results of this many executions, the latest ones.
    pub keep_runs: Option<usize>,
    /// As much, the latest first, as the cache can hold in so many bytes, all that is needed included.
    pub keep_bytes: Option<u64>,
}

/// The kinds of things that are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GarbageKind {
    /// Results of executions.
    Run,
    /// What stages remember of their parts.
    Memo,
    /// Past executions with what they printed.
    Log,
    /// Objects that were found damaged and put aside.
    Damaged,
    /// What killed processes left.
    Temporary,
    /// Bytes of files and folders.
    Object,
    /// Files of locks that nobody holds.
    Lock,
}

/// How many things, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Files; of logs and leftovers, folders.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// What a collection removes, and what it leaves.
#[derive(Debug, Default)]
pub struct Garbage {
    /// In the order in which they go.
    victims: Vec<Thing>,
    /// What is removed, by kind; kinds of which nothing is are not there.
    pub removed: BTreeMap<GarbageKind, Tally>,
    /// Objects that stay.
    pub kept_objects: Tally,
    /// Run records that stay.
    pub kept_runs: Tally,
}

impl Garbage {
    /// How much is removed, of all kinds.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in self.removed.values() {
            total.count += tally.count;
            total.bytes = total.bytes.saturating_add(tally.bytes);
        }
        total
    }

    fn condemn(&mut self, things: impl IntoIterator<Item = Thing>) {
        for thing in things {
            self.removed.entry(thing.kind).or_default().add(thing.bytes);
            self.victims.push(thing);
        }
    }
}

/// The right to remove from the cache: nobody publishes references to it meanwhile.
#[derive(Debug)]
pub struct Collector<'s> {
    store: &'s Store,
    removing: Removing,
    /// What killed processes had left, which went when this process made its own folder.
    swept: Vec<Thing>,
}

impl Store {
    /// What could be removed now. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Read`] when the cache cannot be listed.
    pub fn garbage(&self, needed: &Needed, rules: &GarbageRules) -> Result<Garbage, Error> {
        // Who lists locks tries them; whoever meets that waits here until it is done.
        let _gate = self.gate_if_there()?;
        self.garbage_within(needed, rules)
    }

    fn garbage_within(&self, needed: &Needed, rules: &GarbageRules) -> Result<Garbage, Error> {
        let inventory = Inventory::of(self)?;
        Ok(Choice::new(self, inventory, needed, rules).made())
    }

    /// Waits until nobody publishes, and lets nobody until the collector is dropped.
    ///
    /// Read the lock files of the workspace after this, so that what was published a moment ago is needed.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn collector(&self) -> Result<Collector<'_>, Error> {
        let parent = self.cache.folder_of(Kept::Temporary);
        let left = scratch::abandoned(&parent).into_iter();
        let swept = left.map(inventory::temporary).collect();
        Ok(Collector {
            store: self,
            removing: self.removing()?,
            swept,
        })
    }
}

impl Collector<'_> {
    /// Removes what nothing needs, and says what that was. What was removed until an error stays so.
    ///
    /// # Errors
    /// [`Error::Read`] when the cache cannot be listed, [`Error::Remove`] when it cannot be written.
    pub fn collect(mut self, needed: &Needed, rules: &GarbageRules) -> Result<Garbage, Error> {
        let mut garbage = self.store.garbage_within(needed, rules)?;
        for victim in std::mem::take(&mut garbage.victims) {
            self.removing.begin()?;
            match self.remove(&victim) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::remove(&victim.path)(error));
                }
                _ => {}
            }
        }
        garbage.condemn(self.swept);
        Ok(garbage)
    }

    fn remove(&self, victim: &Thing) -> io::Result<()> {
        match victim.kind {
            GarbageKind::Log => remove_log(victim),
            GarbageKind::Temporary => scratch::remove_abandoned(&victim.path),
            GarbageKind::Lock => remove_free_lock(victim),
            _ => disk::remove_file(&victim.path),
        }
    }
}

/// Removes what stages printed, or the journal of a process; one that is at work after all stays.
fn remove_log(victim: &Thing) -> io::Result<()> {
    let is_session = victim.path.join(journal::JOURNAL).exists();
    let held = journal::hold(&victim.path);
    match is_session && held.is_none() {
        true => Ok(()),
        false => disk::remove_tree(&victim.path),
    }
}

/// Removes the file of a lock while holding it; one that somebody holds stays.
fn remove_free_lock(victim: &Thing) -> io::Result<()> {
    let file = std::fs::File::open(&victim.path)?;
    match file.try_lock() {
        Ok(()) => disk::remove_file(&victim.path),
        Err(_) => Ok(()),
    }
}

/// Decides what stays and what goes.
struct Choice<'a> {
    store: &'a Store,
    inventory: Inventory,
    needed: &'a Needed,
    rules: &'a GarbageRules,
    budget: Budget,
    garbage: Garbage,
    /// The attempts that made what is kept.
    attempts: HashSet<String>,
}

impl<'a> Choice<'a> {
    fn new(
        store: &'a Store,
        inventory: Inventory,
        needed: &'a Needed,
        rules: &'a GarbageRules,
    ) -> Self {
        Self {
            store,
            inventory,
            needed,
            rules,
            budget: Budget::new(rules, utc::now_micros() / 1_000_000),
            garbage: Garbage::default(),
            attempts: HashSet::new(),
        }
    }

    fn made(mut self) -> Garbage {
        let objects = std::mem::take(&mut self.inventory.objects);
        let mut reach = Reach::new(self.store, &objects);
        reach.from(self.needed.digests().map(|digest| (digest, true)));
        self.choose_runs(&mut reach);
        let (kept, obscure) = reach.found();
        let (kept, rest): (Vec<_>, Vec<_>) = objects
            .into_iter()
            .partition(|(digest, _)| kept.contains(digest));
        kept.iter()
            .for_each(|(_, object)| self.garbage.kept_objects.add(object.bytes));
        let mut loose: Vec<_> = rest.into_iter().map(|(_, object)| object).collect();
        if obscure {
            loose
                .drain(..)
                .for_each(|object| self.garbage.kept_objects.add(object.bytes));
        }
        self.choose_loose(loose);
        let locks = std::mem::take(&mut self.inventory.locks);
        self.garbage.condemn(locks);
        self.garbage
            .victims
            .sort_by(|a, b| (a.kind, &a.path).cmp(&(b.kind, &b.path)));
        self.garbage
    }

    /// Needed records first, then the others from the latest on.
    fn choose_runs(&mut self, reach: &mut Reach<'_>) {
        let mut runs = std::mem::take(&mut self.inventory.runs);
        let needed = self.needed;
        let is_needed = |run: &Run| !run.is_history && needed.has(&run.key);
        runs.sort_by(|a, b| b.order.cmp(&a.order));
        let mut runs: Vec<_> = runs.into_iter().enumerate().collect();
        runs.sort_by_key(|(_, run)| !is_needed(run));
        self.budget.take(reach.bytes());
        for (place, run) in runs {
            let Some(record) = &run.record else {
                self.garbage.condemn([run.thing]); // damaged: it counts as missing
                continue;
            };
            let roots = || run_objects(record);
            let new = reach.would_add(roots()).saturating_add(run.thing.bytes);
            let stays = is_needed(&run)
                || self.rules.keep_runs.is_some_and(|most| place < most)
                || self.budget.allows(run.ended, new);
            if stays {
                reach.from(roots());
                self.budget.take(new);
                self.garbage.kept_runs.add(run.thing.bytes);
                self.attempts.insert(record.attempt.clone());
            } else {
                self.garbage.condemn([run.thing]);
            }
        }
    }

    /// What no record names, from the latest on.
    fn choose_loose(&mut self, objects: Vec<Thing>) {
        let mut loose = objects;
        loose.append(&mut self.inventory.loose);
        loose.extend(std::mem::take(&mut self.inventory.memo).into_values());
        loose.sort_by_key(|thing| Reverse(thing.modified));
        for thing in loose {
            let made_what_is_kept = thing.kind == GarbageKind::Log
                && thing.name().is_some_and(|id| self.attempts.contains(id));
            let stays = made_what_is_kept || self.budget.allows(thing.modified, thing.bytes);
            if !stays {
                self.garbage.condemn([thing]);
                continue;
            }
            self.budget.take(thing.bytes);
            if thing.kind == GarbageKind::Object {
                self.garbage.kept_objects.add(thing.bytes);
            }
        }
        let left = std::mem::take(&mut self.inventory.temporary);
        self.garbage.condemn(left);
    }
}

/// What a record refers to, and whether it may be a folder.
fn run_objects(record: &RunRecord) -> impl Iterator<Item = (Digest, bool)> {
    let outs = record.outs.iter();
    let outs = outs.map(|out| {
        let is_folder = out.content.kind == ContentKind::Folder;
        (out.content.digest, is_folder)
    });
    outs.chain(record.log.map(|(digest, _)| (digest, false)))
}
