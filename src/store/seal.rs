//! The seal: under which conditions a project needs nothing done. Format page: `docs/formats/seal.md`.
//!
//! A command that found every stage up to date writes down everything that answer rested on: the texts of the pipeline and
//! of params files, the lock file, the folders paths lead through, declared environment, and for each dep and out the
//! states that prove its content (`witness`). The next command checks those conditions, which costs a stat a file and
//! nothing else, and if all hold, the answer is the same. A stage one of whose conditions does not hold is decided about as
//! if there were no seal; if one of the premises, on which all rests, does not hold, every stage is.
//!
//! **Why that is right.** The answer is a function of this program, of what is compared byte by byte (texts, variables), of
//! contents, and of the objects in the cache. For a content stands a state that the stat cache would believe too: a later
//! change shows in the size, times or inode, because the file system's clock had ticked past the times before the file was
//! read. For a listing of a folder stands the folder's state, by the same rule; so a file that was added to a dep shows. Of
//! objects is asked what a decision asks: whether they are there and have their size, and are nodes what they were; or, for
//! all in one folder of the cache, whether that is in the state it was in when they were there (`shards`). Whatever
//! could not be proved was not written down, so its stage is not sealed. Of another boot nothing is believed, because a lost
//! power supply may leave new times with old bytes.
//!
//! What a condition means is known here; which ones a stage rests on, the engine says.

mod checker;
mod file;
mod shards;

use std::collections::HashMap;
use std::fs;

use hpipe_core::{Content, ContentKind, Digest, ProjectPath, StageName, with_causes};

use crate::Store;
use crate::file_hash::hash_bytes;
use crate::file_stat::FileStat;
use crate::stat_cache::this_boot;
use crate::tree::{self, Node};
use crate::tree_reader;
use crate::witness::State;
use checker::{Checker, names_in, real_path};
use file::{Condition, Kind, Value};
use shards::Shards;

pub use checker::{Names, Outside};
pub use file::{Seal, SealedStage};

/// Names a condition within one draft.
pub type ConditionId = u32;

/// What a sealed stage came to: up to date, or frozen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedOutcome {
    /// Nothing had to be done.
    UpToDate,
    /// It is frozen, so nobody looked.
    Frozen,
}

/// A seal in the making.
pub struct SealDraft<'a> {
    store: &'a Store,
    conditions: Vec<Condition>,
    known: HashMap<(Kind, Vec<u8>), ConditionId>,
    premises: Vec<ConditionId>,
    stages: Vec<DraftStage<'a>>,
    /// For conditions of a former seal, what they are called here.
    carried: Vec<Option<ConditionId>>,
    /// What a former seal says of the folders of objects.
    shards: Shards,
}

struct DraftStage<'a> {
    name: &'a StageName,
    index: u32,
    place: u32,
    outcome: SealedOutcome,
    /// What it rests on; none when that could not be proved.
    conditions: Option<Vec<ConditionId>>,
}

impl Store {
    /// Begins a seal.
    pub fn draft_seal(&self) -> SealDraft<'_> {
        SealDraft {
            store: self,
            conditions: Vec::new(),
            known: HashMap::new(),
            premises: Vec::new(),
            stages: Vec::new(),
            carried: Vec::new(),
            shards: Shards::default(),
        }
    }

    /// The seal called `name` with each of its conditions checked; none when there is none, when it was written in another
    /// context, by another boot, or when a premise does not hold. Damage is a warning and counts as none.
    ///
    /// `outside` tells what the store does not know.
    pub fn checked_seal(
        &self,
        name: &str,
        context: &Digest,
        outside: &Outside<'_>,
    ) -> Option<Seal> {
        if self.is_replica() {
            return None;
        }
        let path = self.cache.seal(name);
        let bytes = fs::read(&path).ok()?;
        let Some(mut seal) = Seal::parse(bytes) else {
            self.warnings.add(format!(
                "a seal in {} is damaged; it counts as missing",
                path.parent().unwrap_or(&path).display()
            ));
            return None;
        };
        if seal.context() != &context.as_bytes()[..] || seal.boot() != this_boot() {
            return None;
        }
        let checker = Checker::new(self, outside)?;
        seal.check(|condition| checker.holds(condition))
            .then_some(seal)
    }

    /// Whether the premises of a seal, which held when it was checked, still do: then what was read in between is what it
    /// speaks of.
    pub fn still_holds(&self, seal: &Seal, outside: &Outside<'_>) -> bool {
        let checker = Checker::new(self, outside);
        checker.is_some_and(|checker| seal.premises().all(|premise| checker.holds(premise)))
    }
}

impl<'a> SealDraft<'a> {
    /// Whether this rests on the same texts as a former seal, but for lock files.
    pub fn rests_on_texts_of(&self, seal: &Seal, lock_files: &[ProjectPath]) -> bool {
        let is_lock = |key: &[u8]| {
            lock_files
                .iter()
                .any(|file| file.as_str().as_bytes() == key)
        };
        let mut texts = seal
            .premises()
            .filter(|premise| premise.kind == Kind::Text && !is_lock(premise.key));
        texts.all(|text| {
            let known = self.known.get(&(Kind::Text, text.key.to_vec()));
            known.is_some_and(|id| self.conditions[*id as usize].value == text.value)
        })
    }

    /// Rests on a text file that was read: its digest, or that it does not exist.
    pub fn text(&mut self, path: &ProjectPath, digest: Option<Digest>) -> Option<ConditionId> {
        let key = path.as_str().as_bytes();
        match digest {
            Some(digest) => self.add(Kind::Text, key, Value::of_digest(&digest)),
            None => self.add_plain(Kind::Absent, key),
        }
    }

    /// Rests on the lock file at `path`, which holds what was last read or written.
    pub fn lock_file(&mut self, path: &ProjectPath) -> Option<ConditionId> {
        let Some(digest) = self.store.known_lock(path) else {
            return self.text(path, None);
        };
        let on_disk = path.on_disk(self.store.root());
        let stat = FileStat::new(&fs::metadata(&on_disk).ok()?);
        // Only what is read after the clock was, is proved by the state.
        let reading = self.store.clock.read_for(&self.store.cache, &stat);
        let is_proved = reading.is_some_and(|reading| reading.is_after(&stat));
        if is_proved && fs::read(&on_disk).is_ok_and(|bytes| hash_bytes(&bytes) == digest) {
            return self.add_stat(Kind::Stat, path.as_str().as_bytes(), stat);
        }
        self.text(path, Some(digest))
    }

    /// Rests on a folder listing the names it did when it was searched, as far as they matter.
    pub fn names(
        &mut self,
        path: &ProjectPath,
        names: &Digest,
        outside: &Outside<'_>,
    ) -> Option<ConditionId> {
        let on_disk = path.on_disk(self.store.root());
        let stat = FileStat::new(&fs::metadata(&on_disk).ok()?);
        let reading = self.store.clock.read_for(&self.store.cache, &stat);
        let is_proved = reading.is_some_and(|reading| reading.is_after(&stat))
            && names_in(&on_disk, outside.matters).as_ref() == Some(names);
        let value = Value::of_names(names, Some(&stat).filter(|_| is_proved));
        self.add(Kind::Names, path.as_str().as_bytes(), value)
    }

    /// Rests on the value of a variable, or on its not being set.
    pub fn variable(&mut self, name: &str, value: Option<&str>) -> Option<ConditionId> {
        match value {
            Some(value) => {
                let digest = hash_bytes(value.as_bytes());
                self.add(Kind::Variable, name.as_bytes(), Value::of_digest(&digest))
            }
            None => self.add_plain(Kind::NoVariable, name.as_bytes()),
        }
    }

    /// Rests on `path` being a folder, links followed.
    pub fn is_folder(&mut self, path: &ProjectPath) -> Option<ConditionId> {
        self.add_plain(Kind::Folder, path.as_str().as_bytes())
    }

    /// Rests on the way a folder leads: that it is no link, or where it really is.
    pub fn leads(&mut self, path: &ProjectPath) -> Option<ConditionId> {
        let key = path.as_str().as_bytes();
        let on_disk = path.on_disk(self.store.root());
        let is_below = !path.is_outside();
        match fs::symlink_metadata(&on_disk) {
            Ok(found) if found.is_dir() && is_below => self.add_plain(Kind::PlainFolder, key),
            Ok(_) => {
                let digest = real_path(&on_disk)?;
                self.add(Kind::Leads, key, Value::of_digest(&digest))
            }
            Err(_) => self.add_plain(Kind::Absent, key),
        }
    }

    /// Rests on the content of a dep or out; none when no state proves it.
    pub fn content(&mut self, path: &ProjectPath, content: &Content) -> Option<Vec<ConditionId>> {
        let witness = self.store.witnesses.of(path, content).or_else(|| {
            self.store.witnessed_content(path).ok()?;
            self.store.witnesses.of(path, content)
        })?;
        let mut state = |(key, state): &(Vec<u8>, State)| match state {
            State::Stat(stat) => self.add_stat(Kind::Stat, key, *stat),
            State::Absent => self.add_plain(Kind::Absent, key),
        };
        witness.states.iter().map(&mut state).collect()
    }

    /// Rests on what a content consists of being in the cache, as far as [`Store::has`] looks: files by their size, nodes
    /// of folders by their bytes.
    pub fn objects(&mut self, content: &Content) -> Option<Vec<ConditionId>> {
        let mut conditions = Vec::new();
        self.add_objects(content, &mut conditions)?;
        Some(conditions)
    }

    fn add_objects(&mut self, content: &Content, into: &mut Vec<ConditionId>) -> Option<()> {
        let id = tree_reader::object_of(content);
        if content.kind == ContentKind::File {
            into.push(self.add(Kind::Object, id.digest.as_bytes(), Value::of_size(id.size))?);
            return Some(());
        }
        let objects = self.store.objects();
        let stat = FileStat::new(&fs::symlink_metadata(objects.path(id.digest)).ok()?);
        let reading = self.store.clock.read_for(&self.store.cache, &stat)?;
        let bytes = objects.read(id).ok()??;
        if !reading.is_after(&stat) {
            return None;
        }
        into.push(self.add_stat(Kind::Node, id.digest.as_bytes(), stat)?);
        let below: Vec<Content> = match tree::decode(&bytes).ok()? {
            Node::Leaf(entries) => entries.into_iter().map(|entry| entry.content).collect(),
            Node::Index(children) => children.into_iter().map(|child| child.content).collect(),
        };
        below
            .iter()
            .try_for_each(|part| self.add_objects(part, into))
    }

    /// What a former seal rested on; for a stage whose conditions all hold.
    pub fn carry(&mut self, seal: &Seal, stage: usize) -> Option<Vec<ConditionId>> {
        if self.carried.is_empty() {
            self.carried.resize(seal.conditions(), None);
            self.shards = Shards::of(seal);
        }
        let mut add = |old: usize| {
            if self.carried[old].is_none() {
                let condition = seal.condition(old);
                self.carried[old] = self.add(condition.kind, condition.key, condition.value);
                if condition.kind == Kind::Object {
                    self.shards.found(condition.key, self.carried[old]);
                }
            }
            self.carried[old]
        };
        seal.rests_on(stage).map(&mut add).collect()
    }

    /// Everything rests on this.
    pub fn premise(&mut self, condition: ConditionId) {
        self.premises.push(condition);
    }

    /// Adds the next stage to report, the `index`th of the pipeline and the `place`th of the plan.
    pub fn stage(
        &mut self,
        name: &'a StageName,
        (index, place): (usize, usize),
        outcome: SealedOutcome,
        conditions: Option<Vec<ConditionId>>,
    ) {
        self.stages.push(DraftStage {
            name,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            place: u32::try_from(place).unwrap_or(u32::MAX),
            outcome,
            conditions,
        });
    }

    /// Writes the seal called `name`; a failure is a warning.
    pub fn write(mut self, name: &str, context: &Digest) {
        for (shard, state) in self.shards.whole(self.store, &self.conditions) {
            self.add(Kind::Shard, &[shard], state);
        }
        let bytes = file::encode(
            &self.conditions,
            &self.premises,
            &self.stages,
            context,
            this_boot(),
        );
        let path = self.store.cache.seal(name);
        if let Err(error) = self.store.cache.create_folder_of(&path) {
            let text = format!("failed to {}", with_causes(&error));
            return self.store.warnings.add(text);
        }
        self.store.write_hint(&path, &bytes);
    }

    fn add_plain(&mut self, kind: Kind, key: &[u8]) -> Option<ConditionId> {
        self.add(kind, key, Value::NONE)
    }

    fn add_stat(&mut self, kind: Kind, key: &[u8], stat: FileStat) -> Option<ConditionId> {
        self.add(kind, key, Value::of_stat(&stat))
    }

    /// Adds a condition; none when it contradicts one that was added before.
    fn add(&mut self, kind: Kind, key: &[u8], value: Value) -> Option<ConditionId> {
        let named = (kind, key.to_vec());
        if let Some(known) = self.known.get(&named) {
            return (self.conditions[*known as usize].value == value).then_some(*known);
        }
        let id = u32::try_from(self.conditions.len()).ok()?;
        self.known.insert(named, id);
        self.conditions.push(Condition {
            kind,
            key: key.to_vec(),
            value,
        });
        Some(id)
    }
}

#[cfg(test)]
mod tests;
