//! Folders of objects whose state says that nothing was taken from them.
//!
//! Objects lie in 256 folders, named after the first byte of their digests. Who removes one changes the times of its folder,
//! so that one stat there answers for all objects that a seal names in it. That is right if all of them were found *after*
//! the folder was in the state that is written down, and if the clock had ticked past its times by then, as for any state
//! (`clock`). Other changes, like an object that comes, cost nothing but this shortcut: each is asked for then.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, Metadata};

use hpipe_core::Digest;

use super::ConditionId;
use super::file::{Condition, Kind, Seal, Value};
use crate::Store;
use crate::cache_folder::CacheFolder;
use crate::file_stat::FileStat;
use crate::objects::ObjectId;

/// Fewer objects are asked for as fast as their folder.
const WORTH_IT: usize = 2;

/// What is known from a former seal.
#[derive(Debug, Default)]
pub(super) struct Shards {
    /// The states of the folders from which nothing was taken.
    whole: HashMap<u8, Value>,
    /// The objects that were found there.
    found: HashSet<ConditionId>,
}

impl Shards {
    /// What `seal`, which was checked, says.
    pub(super) fn of(seal: &Seal) -> Self {
        Self {
            whole: seal.whole_shards().collect(),
            found: HashSet::new(),
        }
    }

    /// The object of a digest that begins as `key` is one of the former seal, and is called `id` now.
    pub(super) fn found(&mut self, key: &[u8], id: Option<ConditionId>) {
        let is_whole = key
            .first()
            .is_some_and(|first| self.whole.contains_key(first));
        self.found.extend(id.filter(|_| is_whole));
    }

    /// The folders whose state answers for all objects that `conditions` name in them, with that state.
    pub(super) fn whole(&self, store: &Store, conditions: &[Condition]) -> Vec<(u8, Value)> {
        let mut shards: BTreeMap<u8, Vec<ConditionId>> = BTreeMap::new();
        for (id, condition) in (0..).zip(conditions) {
            if let (Kind::Object, Some(first)) = (condition.kind, condition.key.first()) {
                shards.entry(*first).or_default().push(id);
            }
        }
        shards.retain(|_, objects| objects.len() >= WORTH_IT);
        let whole = |(shard, objects): (u8, Vec<ConditionId>)| {
            let state = self.state(store, shard, conditions, &objects)?;
            Some((shard, state))
        };
        shards.into_iter().filter_map(whole).collect()
    }

    fn state(
        &self,
        store: &Store,
        shard: u8,
        conditions: &[Condition],
        objects: &[ConditionId],
    ) -> Option<Value> {
        let mut unseen = objects
            .iter()
            .filter(|id| !self.found.contains(id))
            .peekable();
        let former = self.whole.get(&shard);
        if let (Some(former), None) = (former, unseen.peek()) {
            return Some(*former);
        }
        let path = store.cache.objects().join(CacheFolder::shard_name(shard));
        // Where a link leads, it does not tell what is taken there.
        let found = fs::symlink_metadata(path).ok().filter(Metadata::is_dir)?;
        let stat = FileStat::new(&found);
        let now = Value::of_stat(&stat);
        let is_there = |id: &ConditionId| is_there(store, &conditions[*id as usize]);
        if former == Some(&now) {
            return unseen.all(is_there).then_some(now);
        }
        let reading = store.clock.read_for(&store.cache, &stat)?;
        let is_proved = reading.is_after(&stat);
        (is_proved && objects.iter().all(is_there)).then_some(now)
    }
}

fn is_there(store: &Store, object: &Condition) -> bool {
    let digest = object.key.as_slice().try_into().map(Digest::blake3);
    digest.is_ok_and(|digest| {
        store.objects().has(ObjectId {
            digest,
            size: object.value.size(),
        })
    })
}
