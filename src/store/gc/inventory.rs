//! Lists what lies in the cache folder and may be removed from it.
//!
//! What is not as this version lays it out is not ours to remove, and left out: other versions' folders, strange names.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hpipe_core::Digest;

use super::GarbageKind;
use super::reach::Objects;
use crate::attempts::journal;
use crate::cache_folder::Kept;
use crate::{Error, RunRecord, Store, run_cache, scratch};

/// Something that may be removed.
#[derive(Debug)]
pub(crate) struct Thing {
    pub(crate) kind: GarbageKind,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// Seconds since 1970.
    pub(crate) modified: u64,
}

impl Thing {
    fn new(kind: GarbageKind, path: PathBuf, metadata: &Metadata) -> Self {
        Self {
            kind,
            path,
            bytes: metadata.len(),
            modified: u64::try_from(metadata.mtime()).unwrap_or_default(),
        }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }
}

/// A run record.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) thing: Thing,
    /// The stage key in its name.
    pub(crate) key: Digest,
    /// Whether a later one took its place.
    pub(crate) is_history: bool,
    /// None when it is damaged.
    pub(crate) record: Option<RunRecord>,
    /// When the execution ended: seconds since 1970.
    pub(crate) ended: u64,
    /// The same in milliseconds, and the attempt: no two are equally late.
    pub(crate) order: (u64, String),
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    pub(crate) objects: Objects,
    pub(crate) runs: Vec<Run>,
    /// By their keys.
    pub(crate) memo: BTreeMap<Digest, Thing>,
    /// Logs but the latest of each stage, damaged objects.
    pub(crate) loose: Vec<Thing>,
    pub(crate) locks: Vec<Thing>,
    pub(crate) temporary: Vec<Thing>,
}

impl Inventory {
    /// Lists the cache of `store`; one that is not there is empty.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub(crate) fn of(store: &Store) -> Result<Self, Error> {
        let mut inventory = Self::default();
        let folder = |kept| store.cache.folder_of(kept);
        each_fanned_out(&folder(Kept::Objects), &mut |name, path, found| {
            if let Some(digest) = digest(name) {
                let object = Thing::new(GarbageKind::Object, path, found);
                inventory.objects.insert(digest, object);
            }
        })?;
        each_fanned_out(&folder(Kept::Runs), &mut |name, path, found| {
            inventory.runs.extend(run(name, path, found));
        })?;
        each_fanned_out(&folder(Kept::Memo), &mut |name, path, found| {
            if let Some(key) = digest(name) {
                let entry = Thing::new(GarbageKind::Memo, path, found);
                inventory.memo.insert(key, entry);
            }
        })?;
        let files = |kept, kind| files_of(&folder(kept), kind);
        inventory
            .loose
            .extend(files(Kept::Damaged, GarbageKind::Damaged)?);
        inventory.locks = files(Kept::Locks, GarbageKind::Lock)?;
        inventory.locks.retain(is_free);
        for (stage, _) in entries(&folder(Kept::Logs))? {
            inventory.loose.extend(past_logs(&stage)?);
        }
        inventory.loose.extend(past_sessions(store)?);
        let left = scratch::abandoned(&folder(Kept::Temporary)).into_iter();
        inventory.temporary = left.map(temporary).collect();
        Ok(inventory)
    }
}

/// What a killed process left.
pub(crate) fn temporary(folder: PathBuf) -> Thing {
    Thing {
        kind: GarbageKind::Temporary,
        bytes: bytes_below(&folder),
        path: folder,
        modified: 0,
    }
}

/// What the attempts of a stage printed that are over, but for the latest: whoever asks how a stage failed asks for that.
fn past_logs(folder: &Path) -> Result<Vec<Thing>, Error> {
    let mut logs = entries(folder)?;
    logs.sort_by(|(a, _), (b, _)| a.cmp(b));
    logs.pop();
    Ok(logs.into_iter().map(log).collect())
}

/// The journals of processes that are over, but for those that tell of the latest attempt of a stage.
fn past_sessions(store: &Store) -> Result<Vec<Thing>, Error> {
    let parent = store.cache.attempts();
    let outdated = journal::outdated(&parent).map_err(Error::read(&parent))?;
    let found = outdated.into_iter().filter_map(|folder| {
        let found = fs::metadata(&folder).ok()?;
        Some((folder, found))
    });
    Ok(found.map(log).collect())
}

fn log((path, found): (PathBuf, Metadata)) -> Thing {
    Thing {
        bytes: bytes_below(&path),
        ..Thing::new(GarbageKind::Log, path, &found)
    }
}

fn run(name: &str, path: PathBuf, found: &Metadata) -> Option<Run> {
    let (key, rest) = name.split_at_checked(64)?;
    let key = digest(key)?;
    let is_history = match rest.as_bytes() {
        [] => false,
        [b'.', ..] => true,
        _ => return None,
    };
    let record = fs::read(&path).ok();
    let record = record.and_then(|bytes| run_cache::decode(&bytes));
    let record = record.filter(|record| record.key == key);
    let thing = Thing::new(GarbageKind::Run, path, found);
    let order = match &record {
        Some(record) => {
            let took = (record.seconds.max(0.0) * 1e3) as u64;
            (record.started.saturating_add(took), record.attempt.clone())
        }
        None => (0, String::new()),
    };
    Some(Run {
        ended: order.0 / 1000,
        order,
        thing,
        key,
        is_history,
        record,
    })
}

/// Whether nobody holds the lock now.
fn is_free(lock: &Thing) -> bool {
    fs::File::open(&lock.path).is_ok_and(|file| file.try_lock().is_ok())
}

fn digest(hex: &str) -> Option<Digest> {
    format!("blake3:{hex}").parse().ok()
}

/// Hands over the files of folders that are named by two digits: their whole name and where they lie.
fn each_fanned_out(
    folder: &Path,
    take: &mut dyn FnMut(&str, PathBuf, &Metadata),
) -> Result<(), Error> {
    for (first, found) in entries(folder)? {
        let two = first.file_name().and_then(|name| name.to_str());
        let Some(two) = two.filter(|two| two.len() == 2 && found.is_dir()) else {
            continue;
        };
        for (path, found) in entries(&first)? {
            let rest = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = rest.map(|rest| format!("{two}{rest}"))
                && found.is_file()
            {
                take(&name, path, &found);
            }
        }
    }
    Ok(())
}

fn files_of(folder: &Path, kind: GarbageKind) -> Result<Vec<Thing>, Error> {
    let found = entries(folder)?.into_iter();
    let files = found.filter(|(_, found)| found.is_file());
    Ok(files
        .map(|(path, found)| Thing::new(kind, path, &found))
        .collect())
}

/// What a folder holds, links not followed; nothing when it is not there, and without what vanishes meanwhile.
fn entries(folder: &Path) -> Result<Vec<(PathBuf, Metadata)>, Error> {
    let listed: Vec<DirEntry> = match fs::read_dir(folder) {
        Err(error) if absent(&error) => return Ok(Vec::new()),
        listed => listed.and_then(Iterator::collect),
    }
    .map_err(Error::read(folder))?;
    let mut entries = Vec::with_capacity(listed.len());
    for entry in listed {
        match entry.metadata() {
            Ok(found) => entries.push((entry.path(), found)),
            Err(error) if absent(&error) => {}
            Err(error) => return Err(Error::read(&entry.path())(error)),
        }
    }
    Ok(entries)
}

fn absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn bytes_below(folder: &Path) -> u64 {
    let entries = entries(folder).unwrap_or_default().into_iter();
    entries.fold(0, |sum, (path, found)| {
        sum.saturating_add(match found.is_dir() {
            true => bytes_below(&path),
            false => found.len(),
        })
    })
}
