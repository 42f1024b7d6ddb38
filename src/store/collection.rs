//! The gate between those who publish references into the cache and those who remove what nothing refers to. Format page:
//! `docs/formats/collections.md`.
//!
//! A result is stored first and referred to later; in between nothing needs it, as far as anybody else can tell. And
//! whoever finds an object there does not store it again. So a removal could take what is about to be published. Two
//! things together prevent that, without anybody waiting for a stage to end:
//!
//! - Publishing and removing exclude each other: the file `.cache/collections-v1` is locked shared while a run record or a
//!   lock file is put in place, exclusively while somebody asks what is needed and removes the rest.
//! - That file holds a number which every removal makes another. Whoever publishes and finds another number than when it
//!   opened the store looks whether what it is about to refer to is still there, and stores it again if not.
//!
//! The number is odd while a removal is under way, and stays odd when that was killed: then everybody looks.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hpipe_core::{Content, ProjectPath};

use crate::{Error, Store, disk, utc};

/// The first line of the file; the number is the version.
const HEADER: &str = "hpipe-collections 1\n";

/// Bytes that are read of the file: more than it ever has.
const LONGEST: usize = 64;

/// What the file held when the store was opened.
#[derive(Debug, Default)]
pub(crate) struct Seen(Vec<u8>);

impl Seen {
    /// What the file at `path` holds now; one that cannot be read holds nothing.
    pub(crate) fn of(path: &Path) -> Self {
        File::open(path)
            .and_then(|file| read(&file))
            .map(Self)
            .unwrap_or_default()
    }
}

/// The right to put references in place, until dropped.
#[derive(Debug)]
pub(crate) struct Gate {
    _file: File,
    /// Whether somebody removed from the cache since the store was opened.
    pub(crate) removed_meanwhile: bool,
}

impl Store {
    /// Waits until nobody removes from the cache, and keeps others from it.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating the file fails with.
    pub(crate) fn publishing(&self) -> Result<Gate, Error> {
        let (file, path) = self.open_gate()?;
        uninterrupted(|| file.lock_shared()).map_err(Error::lock(&path))?;
        let now = read(&file).map_err(Error::read(&path))?;
        Ok(Gate {
            removed_meanwhile: now != self.seen.0 || is_under_way(&now),
            _file: file,
        })
    }

    /// Makes sure that what is about to be referred to is in the cache, wherever a removal came between.
    ///
    /// # Errors
    /// Those of [`commit`](Self::commit).
    pub(crate) fn keep_through<'a>(
        &self,
        gate: &Gate,
        outs: impl Iterator<Item = (&'a ProjectPath, &'a Content)>,
    ) -> Result<(), Error> {
        if gate.removed_meanwhile {
            for (path, content) in outs {
                // What is another by now is no longer what is referred to: that reference leads to nothing, which is a miss.
                if !self.has(content) && self.content(path)?.is_some_and(|now| now == *content) {
                    self.commit(path)?;
                }
            }
        }
        Ok(())
    }

    /// Waits until nobody publishes, and keeps others from it.
    ///
    /// # Errors
    /// [`Error::Lock`], or what creating the file fails with.
    pub(crate) fn removing(&self) -> Result<Removing, Error> {
        let (file, path) = self.open_gate()?;
        uninterrupted(|| file.lock()).map_err(Error::lock(&path))?;
        let before = read(&file).map_err(Error::read(&path))?;
        Ok(Removing {
            file,
            path,
            // A file that cannot be read is not to be followed by a number somebody has seen.
            number: number(&before).unwrap_or_else(utc::now_micros),
            began: false,
        })
    }

    /// The gate, shut for those who publish until it is dropped; none where nobody published yet.
    ///
    /// # Errors
    /// [`Error::Lock`].
    pub(crate) fn gate_if_there(&self) -> Result<Option<File>, Error> {
        let path = self.cache.collections();
        let Ok(file) = File::open(&path) else {
            return Ok(None);
        };
        uninterrupted(|| file.lock()).map_err(Error::lock(&path))?;
        Ok(Some(file))
    }

    fn open_gate(&self) -> Result<(File, PathBuf), Error> {
        let path = self.cache.collections();
        Ok((self.cache.open_or_create(&path)?, path))
    }
}

/// The right to remove from the cache, until dropped.
#[derive(Debug)]
pub(crate) struct Removing {
    file: File,
    path: PathBuf,
    number: u64,
    began: bool,
}

impl Removing {
    /// Lets everybody know, before the first thing goes.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub(crate) fn begin(&mut self) -> Result<(), Error> {
        if !self.began {
            self.number = self.number.wrapping_add(1) | 1;
            self.write()
                .or_else(|error| self.damage().map_err(|_| error))
                .map_err(Error::write(&self.path))?;
            self.began = true;
        }
        Ok(())
    }

    /// Makes the file one that is no number, which makes everybody look as an odd one does. Takes no space, so that on a
    /// full disk something can be removed all the same: a longer file has a hole at its end.
    fn damage(&self) -> io::Result<()> {
        disk::set_length(&self.file, self.file.metadata()?.len() + 1)
    }

    fn write(&self) -> io::Result<()> {
        // Always as many bytes, so that one write replaces all of them.
        let text = format!("{HEADER}{:020}\n", self.number);
        disk::write_at(&self.file, text.as_bytes(), 0)?;
        match self.file.metadata()?.len() == text.len() as u64 {
            true => Ok(()),
            false => disk::set_length(&self.file, text.len() as u64), // it was damaged
        }
    }
}

impl Drop for Removing {
    fn drop(&mut self) {
        if self.began {
            self.number = self.number.wrapping_add(1);
            let _ = self.write(); // odd as it then stays, everybody looks
        }
    }
}

fn uninterrupted(mut lock: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    loop {
        match lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn read(file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; LONGEST];
    let length = file.read_at(&mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The number in the file; 0 for an empty one, none for one that is damaged.
fn number(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return Some(0);
    }
    let text = std::str::from_utf8(bytes).ok()?;
    text.strip_prefix(HEADER)?.strip_suffix('\n')?.parse().ok()
}

fn is_under_way(bytes: &[u8]) -> bool {
    number(bytes).is_none_or(|number| number % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(root: &Path) -> Store {
        Store::open(root, Path::new(".cache")).unwrap()
    }

    #[test]
    fn a_removal_is_noticed_by_all_that_were_open_and_by_none_that_open_after() {
        let root = tempfile::tempdir().unwrap();
        let before = store(root.path());
        assert!(!before.publishing().unwrap().removed_meanwhile);
        let mut removing = before.removing().unwrap();
        removing.begin().unwrap();
        let during = store(root.path());
        drop(removing);
        let after = store(root.path());
        let notices = |store: &Store| store.publishing().unwrap().removed_meanwhile;
        assert!(notices(&before) && notices(&during) && !notices(&after));
    }

    #[test]
    fn who_removes_nothing_is_not_noticed() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        drop(store.removing().unwrap());
        assert!(!store.publishing().unwrap().removed_meanwhile);
    }

    #[test]
    fn a_killed_removal_and_a_damaged_file_make_everybody_look() {
        let root = tempfile::tempdir().unwrap();
        let killed = store(root.path());
        let mut removing = killed.removing().unwrap();
        removing.begin().unwrap();
        let path = killed.cache.collections();
        let odd = std::fs::read(&path).unwrap();
        drop(removing);
        for bytes in [&odd[..], &odd[..30], b"damage\n", &[0; 40]] {
            std::fs::write(&path, bytes).unwrap();
            let store = store(root.path());
            assert!(store.publishing().unwrap().removed_meanwhile, "{bytes:?}");
            let mut removing = store.removing().unwrap();
            removing.begin().unwrap();
            drop(removing);
            let store = Store::open(root.path(), Path::new(".cache")).unwrap();
            assert!(!store.publishing().unwrap().removed_meanwhile, "{bytes:?}");
        }
    }

    #[test]
    fn on_a_full_disk_a_removal_is_noticed_all_the_same() {
        for whole in [false, true] {
            let root = tempfile::tempdir().unwrap();
            let before = store(root.path());
            if whole {
                before.removing().unwrap().begin().unwrap();
            }
            let open = store(root.path());
            let mut removing = before.removing().unwrap();
            // What `begin` does where nothing can be written.
            removing.damage().unwrap();
            removing.number = removing.number.wrapping_add(1) | 1;
            removing.began = true;
            let during = store(root.path());
            let now = read(&removing.file).unwrap();
            assert!(now != open.seen.0 && is_under_way(&now) && is_under_way(&during.seen.0));
            drop(removing);
            let after = store(root.path());
            let notices = |store: &Store| store.publishing().unwrap().removed_meanwhile;
            assert!(notices(&open) && notices(&during) && !notices(&after));
        }
    }

    #[test]
    fn publishers_do_not_wait_for_each_other_but_for_a_removal() {
        let root = tempfile::tempdir().unwrap();
        let store = store(root.path());
        let (one, two) = (store.publishing().unwrap(), store.publishing().unwrap());
        let probe = File::open(store.cache.collections()).unwrap();
        assert!(probe.try_lock().is_err());
        drop((one, two));
        let _removing = store.removing().unwrap();
        assert!(probe.try_lock_shared().is_err());
    }
}
