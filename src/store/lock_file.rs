//! The lock file, `pipeline.lock`: what each stage was last brought up to date with. Its form: `lock_format`.
//!
//! Unlike everything else here it lies beside the pipeline and belongs into git. It is replaced as a whole, under a lock
//! between processes: whoever wants to change it reads it anew under that lock, so that nobody's entries are lost, and
//! writes it only if it changed. Before that everything the cache got is synced, and after it the lock file itself: bytes
//! before references. As that costs a disk flush, callers publish several stages at once when they can.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hpipe_core::{Content, Digest, Mapping, ProjectPath, StageName, Value, with_causes};

use crate::disk::{self, Durability};
use crate::file_hash::hash_bytes;
use crate::{Error, Store, lock_format, lock_mirror};

/// What stages were last brought up to date with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LockFile {
    /// The stages, by name. Shared, for what was read is kept beside what is made of it.
    pub stages: BTreeMap<StageName, Arc<LockEntry>>,
}

impl LockFile {
    /// What the stage `name` was last brought up to date with.
    pub fn entry(&self, name: &StageName) -> Option<&LockEntry> {
        self.stages.get(name).map(Arc::as_ref)
    }

    /// Reads the text of a lock file that does not lie in the workspace, of a commit say; `name` is what errors call it.
    /// An empty text is an empty lock file.
    ///
    /// # Errors
    /// As [`Store::read_lock`], but for reading from disk.
    pub fn parse(bytes: &[u8], name: &Path) -> Result<Self, Error> {
        match bytes.trim_ascii() {
            [] => Ok(Self::default()),
            _ => lock_format::parse(bytes, name),
        }
    }
}

/// What one stage was last brought up to date with: its fingerprint and its outs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockEntry {
    /// The stage key: the digest of the fingerprint.
    pub key: Digest,
    /// What it executes.
    pub action: LockAction,
    /// The folder it executes in.
    pub wdir: ProjectPath,
    /// Declared environment variables; none for one that is not set.
    pub env: BTreeMap<String, Option<String>>,
    /// Its deps.
    pub deps: Vec<LockDep>,
    /// Its params, by file.
    pub params: Vec<LockParams>,
    /// Its outs.
    pub outs: Vec<LockOut>,
}

/// What a stage executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockAction {
    /// Shell commands, one after the other.
    Cmd(Vec<String>),
    /// A built-in stage.
    Builtin {
        /// The word after `uses:`.
        name: String,
        /// The built-in's own version.
        version: u32,
        /// Its options.
        with: Mapping,
    },
}

/// A dep as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockDep {
    /// Where it lies.
    pub path: ProjectPath,
    /// What a built-in stage takes it for.
    pub role: Option<String>,
    /// What it was.
    pub content: Content,
}

/// Params from one file as they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockParams {
    /// The file.
    pub file: ProjectPath,
    /// Dotted name and value, each name once; the empty name stands for the whole file.
    pub values: Vec<(String, Value)>,
}

/// An out as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockOut {
    /// Where it lies.
    pub path: ProjectPath,
    /// What a built-in stage makes it as.
    pub role: Option<String>,
    /// The section of the pipeline it stands in: `outs`, `metrics`, `plots`.
    pub kind: String,
    /// Whether it is kept in the cache.
    pub cached: bool,
    /// Whether it is left in place before an execution.
    pub persist: bool,
    /// What it was.
    pub content: Content,
}

/// Tells states of the lock file apart: another process may replace it at any time. Compares equal while nobody has.
///
/// The file is only ever replaced as a whole, so a new inode number is the surest sign; numbers are used again, so times
/// and size speak too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LockStamp(Option<Stamp>);

/// Inode number, seconds and nanoseconds of the modification time, the change time likewise, bytes.
type Stamp = (u64, (i64, i64), (i64, i64), u64);

impl LockStamp {
    /// That of the file at `path`; of one that cannot be found as of one that is not there.
    fn of(path: &Path) -> Self {
        let stamp = |found: Metadata| {
            let modified = (found.mtime(), found.mtime_nsec());
            let changed = (found.ctime(), found.ctime_nsec());
            (found.ino(), modified, changed, found.size())
        };
        Self(std::fs::metadata(path).ok().map(stamp))
    }
}

/// The lock files as last read or written, so that publishing need not parse what nobody else has touched.
#[derive(Debug, Default)]
pub(crate) struct LockMemory(Mutex<BTreeMap<ProjectPath, Remembered>>);

#[derive(Debug)]
struct Remembered {
    digest: Digest,
    lock: LockFile,
    /// Whether the mirror says the same.
    is_mirrored: bool,
}

/// With fewer stages than this a mirror wins nothing.
const WORTH_A_MIRROR: usize = 32;

impl LockMemory {
    fn recall(&self, path: &ProjectPath, digest: &Digest) -> Option<LockFile> {
        let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = memory.get(path)?;
        (known.digest == *digest).then(|| known.lock.clone())
    }

    fn remember(&self, path: &ProjectPath, digest: Digest, lock: &LockFile, is_mirrored: bool) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = Remembered {
            digest,
            lock: lock.clone(),
            is_mirrored,
        };
        memory.insert(path.clone(), remembered);
    }

    /// The mirrors that are to be written, by the path of their lock file.
    fn mirrors(&self) -> Vec<(ProjectPath, Vec<u8>)> {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let worth = memory
            .iter_mut()
            .filter(|(_, known)| !known.is_mirrored && known.lock.stages.len() >= WORTH_A_MIRROR);
        let encode = |(path, known): (&ProjectPath, &mut Remembered)| {
            known.is_mirrored = true;
            (
                path.clone(),
                lock_mirror::encode(&known.digest, &known.lock),
            )
        };
        worth.map(encode).collect()
    }
}

/// Whether there is nothing in a file but what editors and a lost power supply leave of nothing.
fn is_blank(bytes: &[u8]) -> bool {
    bytes
        .iter()
        .all(|byte| byte.is_ascii_whitespace() || *byte == 0)
}

impl Store {
    /// The digest of the lock file at `path` as last read or written; none if it does not exist.
    pub(crate) fn known_lock(&self, path: &ProjectPath) -> Option<Digest> {
        let memory = self
            .lock_memory
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        memory.get(path).map(|known| known.digest)
    }

    /// Reads the lock file at `path`. One that does not exist is empty; so are, with a warning, an empty one and one of ours
    /// that was torn: cut short, zeroed, a bit flipped.
    ///
    /// # Errors
    /// [`Error::LockConflict`] when it holds merge markers, [`Error::BadLock`] when it is no lock file,
    /// [`Error::NewerLock`] when a newer hpipe wrote it, [`Error::Read`].
    pub fn read_lock(&self, path: &ProjectPath) -> Result<LockFile, Error> {
        let on_disk = path.on_disk(self.root());
        let bytes = match std::fs::read(&on_disk) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(LockFile::default()),
            Err(error) => return Err(Error::read(&on_disk)(error)),
        };
        if is_blank(&bytes) {
            self.warnings.add(format!(
                "{} is empty; it counts as missing",
                on_disk.display()
            ));
            return Ok(LockFile::default());
        }
        let digest = hash_bytes(&bytes);
        if let Some(lock) = self.lock_memory.recall(path, &digest) {
            return Ok(lock);
        }
        if let Some(lock) = self.mirrored(path, &digest) {
            self.lock_memory.remember(path, digest, &lock, true);
            return Ok(lock);
        }
        let lock = match lock_format::parse(&bytes, &on_disk) {
            Err(Error::BadLock { line, message, .. }) if lock_format::is_ours(&bytes) => {
                self.warnings.add(format!(
                    "{}:{line} is damaged: {message}; the file counts as missing",
                    on_disk.display()
                ));
                return Ok(LockFile::default());
            }
            parsed => parsed?,
        };
        self.lock_memory.remember(path, digest, &lock, false);
        Ok(lock)
    }

    /// Keeps the bytes of a damaged lock file that is about to be replaced: its owner may know better.
    fn keep_damaged_lock(&self, path: &ProjectPath) -> Result<(), Error> {
        let on_disk = path.on_disk(self.root());
        let bytes = std::fs::read(&on_disk).unwrap_or_default();
        let is_known = self.known_lock(path) == Some(hash_bytes(&bytes));
        if is_known || is_blank(&bytes) || lock_format::parse(&bytes, &on_disk).is_ok() {
            return Ok(());
        }
        let aside = self.cache.damaged(&hash_bytes(&bytes));
        self.cache.create_folder_of(&aside)?;
        disk::write_whole(self.cache.temporary()?, &aside, &bytes, Durability::Cached)?;
        self.warnings.add(format!(
            "the damaged {} is kept as {}",
            on_disk.display(),
            aside.display()
        ));
        Ok(())
    }

    /// What the mirror says of the lock file at `path` with this digest.
    fn mirrored(&self, path: &ProjectPath, digest: &Digest) -> Option<LockFile> {
        if self.is_replica() {
            return None; // it has a lock file of its own
        }
        let bytes = std::fs::read(self.cache.lock_mirror(path)).ok()?;
        lock_mirror::decode(&bytes, digest)
    }

    /// Writes the mirrors of the lock files that were read or written without one; a failure is a warning.
    pub(crate) fn write_mirrors(&self) {
        for (path, bytes) in self.lock_memory.mirrors() {
            let mirror = self.cache.lock_mirror(&path);
            match self.cache.create_folder_of(&mirror) {
                Ok(()) => self.write_hint(&mirror, &bytes),
                Err(error) => self
                    .warnings
                    .add(format!("failed to {}", with_causes(&error))),
            }
        }
    }

    /// The state the lock file at `path` is in. Ask for it before reading the file: then a later equal one proves that what
    /// was read still holds.
    pub fn lock_stamp(&self, path: &ProjectPath) -> LockStamp {
        LockStamp::of(&path.on_disk(self.root()))
    }

    /// Changes the lock file at `path`: reads what is there now, applies `edit`, and replaces the file if that changed
    /// anything. Returns what is there then, and the stamp of just that: taken before other processes may write again.
    ///
    /// # Errors
    /// Those of [`read_lock`](Self::read_lock), and what locking and writing fail with; the file is then as it was.
    pub fn update_lock(
        &self,
        path: &ProjectPath,
        edit: impl FnOnce(&mut LockFile),
    ) -> Result<(LockFile, LockStamp), Error> {
        let _alone = match self.is_replica() {
            true => None, // nobody else knows it
            false => Some(self.lock_publication(path.as_str())?),
        };
        // Before reading: git, which knows no lock of ours, may write after.
        let mut stamp = self.lock_stamp(path);
        let before = self.read_lock(path)?;
        let mut after = before.clone();
        edit(&mut after);
        if after != before {
            self.publish(path, &before, &after)?;
            stamp = self.lock_stamp(path);
        }
        Ok((after, stamp))
    }

    fn publish(
        &self,
        path: &ProjectPath,
        before: &LockFile,
        after: &LockFile,
    ) -> Result<(), Error> {
        let gate = self.publishing()?;
        let stages = after.stages.iter();
        let changed = stages.filter(|(name, entry)| before.stages.get(*name) != Some(*entry));
        let outs = changed.flat_map(|(_, entry)| &entry.outs);
        let cached = outs.filter(|out| out.cached);
        self.keep_through(&gate, cached.map(|out| (&out.path, &out.content)))?;
        if before.stages.is_empty() {
            self.keep_damaged_lock(path)?;
        }
        self.write_lock(path, after)
    }

    fn write_lock(&self, path: &ProjectPath, lock: &LockFile) -> Result<(), Error> {
        let text = lock_format::print(lock);
        if !self.is_replica() {
            let cache = self.cache.path();
            disk::sync_file_system(cache).map_err(Error::write(cache))?;
        }
        self.write_file(path, text.as_bytes())?;
        self.lock_memory
            .remember(path, hash_bytes(text.as_bytes()), lock, false);
        Ok(())
    }
}
