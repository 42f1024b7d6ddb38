//! Where things lie under the cache folder, and how it comes into being.
//!
//! Nothing is created before something must be written: commands that only read work on a read-only folder, and one that
//! never needed a cache leaves none behind. The folder marks itself as a cache (`CACHEDIR.TAG`, see
//! <https://bford.info/cachedir/>), so that backups skip it, and keeps itself out of git with a `.gitignore` of its own.
//!
//! Objects, run records and the memo are named by digests, so that projects may share them: the settings may put them into
//! a folder elsewhere. What is named by paths and stages (stat cache, durations, logs, locks, the copies of `tune`) stays in
//! the project's own `.cache`. Each of the two has a scratch folder, so that what is built there can be renamed to its
//! place; as a rule both are one.
//!
//! Does not know what the files hold: each format has its own module and page in `docs/formats/`.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use hpipe_core::{Digest, ProjectPath, StageName};

use crate::Error;
use crate::disk::{self, Durability};
use crate::scratch::{Scratch, Temporary};

/// The first line is what the specification demands.
const CACHEDIR_TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n\
    # Everything here can be computed again by hpipe; deleting it costs time, never knowledge.\n";

/// Keeps the whole folder out of git, this file included.
const GITIGNORE: &str = "*\n";

/// The folders; a number is the version of the layout.
const OBJECTS: &str = "objects-v1";
const RUNS: &str = "runs-v1";
const MEMO: &str = "memo-v1";
const LOCKS: &str = "locks-v1";
const LOGS: &str = "logs";
const DAMAGED: &str = "damaged";
const TEMPORARY: &str = "tmp";

/// What has a folder of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kept {
    /// Bytes by their digest.
    Objects,
    /// Results by their stage key.
    Runs,
    /// Parts of stages by their key.
    Memo,
    /// Files that stand for locks.
    Locks,
    /// Attempts by their stage.
    Logs,
    /// Objects that were found damaged.
    Damaged,
    /// Folders in which processes build.
    Temporary,
}

/// Linux's limit of 255 bytes a name, less room for a suffix.
const LONGEST_NAME: usize = 200;

/// The cache folder.
#[derive(Debug)]
pub(crate) struct CacheFolder {
    /// What projects may share.
    shared: Part,
    /// The project's own part, where that is another folder.
    own: Option<Part>,
}

/// A folder that marks itself as a cache.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    scratch: OnceLock<(Scratch, u64)>,
    creating: Mutex<()>,
}

impl CacheFolder {
    /// The folder at `path`, whether or not it exists.
    #[cfg(test)]
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            shared: Part::new(path),
            own: None,
        }
    }

    /// The folder at `shared`, but for what is the project's own, which lies at `own`.
    pub(crate) fn with_own(shared: PathBuf, own: PathBuf) -> Self {
        Self {
            own: (own != shared).then(|| Part::new(own)),
            shared: Part::new(shared),
        }
    }

    /// The same folders, for another store.
    pub(crate) fn again(&self) -> Self {
        Self::with_own(self.path().to_path_buf(), self.own_path().to_path_buf())
    }

    /// The folder itself, where objects lie.
    pub(crate) fn path(&self) -> &Path {
        &self.shared.path
    }

    /// The folder of what is the project's own.
    pub(crate) fn own_path(&self) -> &Path {
        &self.own().path
    }

    /// Whether `path` is one of the folders.
    pub(crate) fn is_at(&self, path: &Path) -> bool {
        path == self.path() || path == self.own_path()
    }

    /// Whether `path` belongs to the records of runs (docs/formats/track_db.md), which are content of no folder: an
    /// execution that makes the folder they lie in must not take them along. The folder of artifacts is that of the records
    /// only beside their database.
    pub(crate) fn is_of_records(&self, path: &Path) -> bool {
        let names = [
            "track.db",
            "track.db-wal",
            "track.db-shm",
            "predictions.db",
            "predictions.db-wal",
            "predictions.db-shm",
            "predictions",
            "artifacts",
        ];
        let Some(name) = names.into_iter().find(|name| path.ends_with(name)) else {
            return false;
        };
        let root = self.own_path().parent();
        let models = root.map(|root| root.join("models"));
        models.is_some_and(|models| {
            path.parent() == Some(&models)
                && (name != "artifacts" || models.join("track.db").exists())
        })
    }

    fn own(&self) -> &Part {
        self.own.as_ref().unwrap_or(&self.shared)
    }

    /// The part that holds `path`.
    fn part_of(&self, path: &Path) -> &Part {
        match &self.own {
            Some(own) if path.starts_with(&own.path) => own,
            _ => &self.shared,
        }
    }

    /// Where the object of this digest lies.
    pub(crate) fn object(&self, digest: &Digest) -> PathBuf {
        self.fanned_out(OBJECTS, digest)
    }

    /// Where an object found damaged is put aside.
    pub(crate) fn damaged(&self, digest: &Digest) -> PathBuf {
        self.path().join(DAMAGED).join(digest.hex())
    }

    /// The folder all objects lie in.
    pub(crate) fn objects(&self) -> PathBuf {
        self.path().join(OBJECTS)
    }

    /// The folder of the objects whose digests begin with this byte, below that of all objects.
    pub(crate) fn shard_name(first: u8) -> String {
        format!("{first:02x}")
    }

    /// Where in that folder the object of this digest lies.
    pub(crate) fn object_name(digest: &Digest) -> String {
        let mut name = digest.hex();
        name.insert(2, '/');
        name
    }

    /// Where the mirror of the lock file at `path` lies.
    pub(crate) fn lock_mirror(&self, path: &ProjectPath) -> PathBuf {
        self.named_after("lock-mirrors-v1", path)
    }

    /// Where the mirror of the pipeline file at `path` lies.
    pub(crate) fn pipeline_mirror(&self, path: &ProjectPath) -> PathBuf {
        self.named_after("pipeline-mirrors-v1", path)
    }

    fn named_after(&self, folder: &str, path: &ProjectPath) -> PathBuf {
        let digest = blake3::hash(path.as_str().as_bytes()).to_hex();
        self.own_path().join(folder).join(&digest[..32])
    }

    /// Where the seal of this name lies.
    pub(crate) fn seal(&self, name: &str) -> PathBuf {
        self.own_path().join("seals-v2").join(name)
    }

    /// Where the run record of this stage key lies.
    pub(crate) fn run(&self, key: &Digest) -> PathBuf {
        self.fanned_out(RUNS, key)
    }

    /// Where what is remembered under this key lies.
    pub(crate) fn memo(&self, key: &Digest) -> PathBuf {
        self.fanned_out(MEMO, key)
    }

    /// Where everything that is remembered lies.
    pub(crate) fn memo_folder(&self) -> PathBuf {
        self.path().join(MEMO)
    }

    /// Where the stat cache lies.
    pub(crate) fn stat_cache(&self) -> PathBuf {
        self.own_path().join("stat-v1")
    }

    /// Where past durations lie.
    pub(crate) fn durations(&self) -> PathBuf {
        self.own_path().join("durations-v1")
    }

    /// Where the number of removals stands, which is also the gate between them and publications.
    pub(crate) fn collections(&self) -> PathBuf {
        self.path().join("collections-v1")
    }

    /// The folder of one kind of thing: objects, run records, the memo, locks, logs, what was damaged.
    pub(crate) fn folder_of(&self, kind: Kept) -> PathBuf {
        let folder = match kind {
            Kept::Locks | Kept::Logs => self.own_path(),
            _ => self.path(),
        };
        folder.join(match kind {
            Kept::Objects => OBJECTS,
            Kept::Runs => RUNS,
            Kept::Memo => MEMO,
            Kept::Locks => LOCKS,
            Kept::Logs => LOGS,
            Kept::Damaged => DAMAGED,
            Kept::Temporary => TEMPORARY,
        })
    }

    /// Where the journals of attempts lie.
    pub(crate) fn attempts(&self) -> PathBuf {
        self.own_path().join("attempts-v1")
    }

    /// Where what the attempts of a stage printed lies.
    pub(crate) fn logs(&self, stage: &StageName) -> PathBuf {
        self.own_path()
            .join(LOGS)
            .join(safe_file_name(stage.as_str()))
    }

    /// The file that stands for the lock on `name`.
    pub(crate) fn lock(&self, name: &str) -> PathBuf {
        let digest = blake3::hash(name.as_bytes());
        self.own_path().join(LOCKS).join(digest.to_hex().as_str())
    }

    fn fanned_out(&self, kind: &str, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        let (first, rest) = hex.split_at(2);
        let mut path = PathBuf::with_capacity(self.path().as_os_str().len() + kind.len() + 68);
        path.push(self.path());
        path.push(kind);
        path.push(first);
        path.push(rest);
        path
    }

    /// A name for an object, a record or a memo, which will be renamed to its place in this folder.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn temporary(&self) -> Result<Temporary, Error> {
        Ok(self.shared.scratch()?.0.temporary())
    }

    /// A name for what is the project's own: on the project's file system, as a rule.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn own_temporary(&self) -> Result<Temporary, Error> {
        Ok(self.own().scratch()?.0.temporary())
    }

    /// A name for something that will be renamed to somewhere in `folder`, which is made if need be.
    ///
    /// # Errors
    /// When the cache folder cannot be written, or `folder` cannot be made.
    pub(crate) fn temporary_for(&self, folder: &Path) -> Result<Temporary, Error> {
        let (scratch, device) = self.own().scratch()?;
        let target = match std::fs::metadata(folder) {
            Ok(found) if found.is_dir() => found,
            _ => {
                disk::create_folders(folder)?;
                std::fs::metadata(folder).map_err(Error::read(folder))?
            }
        };
        Ok(if target.dev() == *device {
            scratch.temporary()
        } else {
            scratch.temporary_beside(folder)
        })
    }

    /// A name in `folder` itself, for mounts that refuse renames from one to another though their device is the same.
    ///
    /// # Errors
    /// When the cache folder cannot be written.
    pub(crate) fn temporary_beside(&self, folder: &Path) -> Result<Temporary, Error> {
        Ok(self.own().scratch()?.0.temporary_beside(folder))
    }

    /// Opens the file at `path` to read and write, created if it is missing; its folder is only looked for then, as some are
    /// opened for every stage.
    ///
    /// # Errors
    /// [`Error::CreateFolder`], [`Error::Write`].
    pub(crate) fn open_or_create(&self, path: &Path) -> Result<File, Error> {
        self.part_of(path).scratch()?;
        let opened = match disk::open_or_create(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.create_folder_of(path)?;
                disk::open_or_create(path)
            }
            opened => opened,
        };
        opened.map_err(Error::write(path))
    }

    /// Creates the sub-folder that will hold `path`.
    ///
    /// # Errors
    /// [`Error::CreateFolder`].
    pub(crate) fn create_folder_of(&self, path: &Path) -> Result<(), Error> {
        self.part_of(path).scratch()?;
        path.parent().map_or(Ok(()), disk::create_folders)
    }
}

impl Part {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            scratch: OnceLock::new(),
            creating: Mutex::new(()),
        }
    }

    /// This process's scratch folder and the device it is on, made on first use together with all that marks the cache.
    fn scratch(&self) -> Result<&(Scratch, u64), Error> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch);
        }
        let _alone = self.creating.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch);
        }
        let parent = self.path.join(TEMPORARY);
        disk::create_folders(&parent)?;
        let scratch = Scratch::create(&parent)?;
        self.mark(&scratch)?;
        let device = std::fs::metadata(&parent)
            .map_err(Error::read(&parent))?
            .dev();
        Ok(self.scratch.get_or_init(|| (scratch, device)))
    }

    fn mark(&self, scratch: &Scratch) -> Result<(), Error> {
        for (name, text) in [("CACHEDIR.TAG", CACHEDIR_TAG), (".gitignore", GITIGNORE)] {
            let path = self.path.join(name);
            if !path.exists() {
                let bytes = text.as_bytes();
                disk::write_whole(scratch.temporary(), &path, bytes, Durability::Cached)?;
            }
        }
        Ok(())
    }
}

/// A file name for any text, one for one: letters, digits, `-`, `_`, `@` and inner dots stand for themselves, all else
/// as `%` and two hex digits; a long text is cut and ends with `%` and its digest.
fn safe_file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (i, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'@' => name.push(byte.into()),
            b'.' if i > 0 => name.push('.'),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                name.push('%');
                name.push(DIGITS[usize::from(byte >> 4)].into());
                name.push(DIGITS[usize::from(byte & 15)].into());
            }
        }
    }
    if name.len() > LONGEST_NAME {
        let digest = blake3::hash(text.as_bytes()).to_hex();
        name.truncate(LONGEST_NAME - 1 - 32);
        name.push('%');
        name.push_str(&digest[..32]);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lays_things_out_as_documented() {
        let folder = CacheFolder::new(PathBuf::from(".cache"));
        let digest = Digest::blake3([0xab; 32]);
        let rest = "ab".repeat(31);
        assert_eq!(
            folder.object(&digest),
            Path::new(&format!(".cache/objects-v1/ab/{rest}"))
        );
        assert_eq!(
            folder.run(&digest),
            Path::new(&format!(".cache/runs-v1/ab/{rest}"))
        );
    }

    #[test]
    fn file_names_are_safe_and_distinct() {
        assert_eq!(safe_file_name("train@ridge"), "train@ridge");
        assert_eq!(safe_file_name("sub/p.yaml:a"), "sub%2Fp.yaml%3Aa");
        assert_eq!(safe_file_name(".."), "%2E.");
        assert_eq!(safe_file_name("ä%"), "%C3%A4%25");
        let long = "x".repeat(300);
        assert_eq!(safe_file_name(&long).len(), LONGEST_NAME);
        assert_ne!(safe_file_name(&long), safe_file_name(&format!("{long}y")));
    }

    #[test]
    fn the_first_write_makes_and_marks_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = CacheFolder::new(root.path().join("deep/.cache"));
        assert!(!folder.path().exists());
        folder.temporary().unwrap();
        let tag = std::fs::read_to_string(folder.path().join("CACHEDIR.TAG")).unwrap();
        assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
        assert_eq!(
            std::fs::read_to_string(folder.path().join(".gitignore")).unwrap(),
            "*\n"
        );
    }
}
