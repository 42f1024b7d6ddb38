//! The lock files of a project: one beside each pipeline file, seen as one.
//!
//! In memory a stage has the name the project calls it by (`sub/pipeline.yaml:train`); in the lock file of a sub-folder it
//! has the one its own pipeline file uses (`train`), so that a folder can be moved. A project of one file pays nothing for
//! the others. The lock file of a pipeline file that is left out for its faults is neither read nor written: what it says
//! holds again when the file is mended.

use std::collections::BTreeMap;
use std::sync::Arc;

use hpipe_core::{ProjectPath, StageName};
use hpipe_store::{LockEntry, LockFile, LockStamp};

use crate::Error;
use crate::joined::PipelineFile;
use crate::workspace::Workspace;

/// Tells states of the lock files apart. Compares equal while nobody has replaced one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LockStamps(Vec<LockStamp>);

impl Workspace {
    /// What stages were last brought up to date with.
    ///
    /// # Errors
    /// [`Error::Invalid`] with [`Code::BadLockFile`](hpipe_core::Code::BadLockFile) when a lock file is not one of ours or
    /// holds merge conflicts.
    pub fn read_lock(&self) -> Result<LockFile, Error> {
        let mut files = self.locked_files();
        let mut whole = match files.next() {
            Some(root) if root.is_root => self.read_one(root)?,
            Some(first) => qualified(first, self.read_one(first)?),
            None => LockFile::default(),
        };
        for file in files {
            let lock = qualified(file, self.read_one(file)?);
            whole.stages.extend(lock.stages);
        }
        Ok(whole)
    }

    /// The state the lock files are in; to be asked for before reading them.
    pub(crate) fn lock_stamp(&self) -> LockStamps {
        let stamp = |file: &PipelineFile| self.store().lock_stamp(&file.lock_file());
        LockStamps(self.locked_files().map(stamp).collect())
    }

    /// Changes the lock files; says what is there then, and the stamp of just that. `edit` may be called several times,
    /// with the entries of all files or of one.
    ///
    /// # Errors
    /// As [`read_lock`](Self::read_lock), and [`Error::Store`] when one cannot be written.
    pub(crate) fn update_lock(
        &self,
        edit: impl Fn(&mut LockFile),
    ) -> Result<(LockFile, LockStamps), Error> {
        if let [root] = self.files()
            && root.is_root
        {
            let path = root.lock_file();
            let updated = self.store().update_lock(&path, edit);
            let (lock, stamp) = updated.map_err(|error| self.lock_fault(&path, error))?;
            return Ok((lock, LockStamps(vec![stamp])));
        }
        // Before reading: another process may write after.
        let mut stamps = self.lock_stamp();
        let mut whole = self.read_lock()?;
        let before = whole.clone();
        edit(&mut whole);
        for (index, file) in self.locked_files().enumerate() {
            if concerns(file, &before.stages, &whole.stages) {
                let path = file.lock_file();
                let updated = self.store().update_lock(&path, |lock| {
                    let mut known = qualified(file, std::mem::take(lock));
                    edit(&mut known);
                    *lock = local(file, known);
                });
                let (lock, stamp) = updated.map_err(|error| self.lock_fault(&path, error))?;
                whole.stages.retain(|name, _| file.local(name).is_none());
                whole.stages.extend(qualified(file, lock).stages);
                stamps.0[index] = stamp;
            }
        }
        Ok((whole, stamps))
    }

    fn locked_files(&self) -> impl Iterator<Item = &PipelineFile> {
        self.files().iter().filter(|file| !file.is_broken())
    }

    fn read_one(&self, file: &PipelineFile) -> Result<LockFile, Error> {
        let path: ProjectPath = file.lock_file();
        let read = self.store().read_lock(&path);
        read.map_err(|error| self.lock_fault(&path, error))
    }
}

/// Whether entries of `file` differ.
fn concerns(
    file: &PipelineFile,
    before: &BTreeMap<StageName, Arc<LockEntry>>,
    after: &BTreeMap<StageName, Arc<LockEntry>>,
) -> bool {
    let own = |name: &StageName| file.local(name).is_some();
    let changed = after
        .iter()
        .any(|(name, entry)| own(name) && before.get(name) != Some(entry));
    changed
        || before
            .keys()
            .any(|name| own(name) && !after.contains_key(name))
}

/// The entries of a file by the project's names.
pub(crate) fn qualified(file: &PipelineFile, lock: LockFile) -> LockFile {
    if file.is_root {
        return lock;
    }
    let stages = lock.stages.into_iter();
    LockFile {
        stages: stages
            .map(|(name, entry)| (file.qualified(&name), entry))
            .collect(),
    }
}

/// The entries of one file by its own names.
fn local(file: &PipelineFile, lock: LockFile) -> LockFile {
    let stages = lock.stages.into_iter();
    LockFile {
        stages: stages
            .filter_map(|(name, entry)| Some((file.local(&name)?, entry)))
            .collect(),
    }
}
