//! Files kept by content outside the cache, for what cannot be computed again: the artifacts of runs.
//!
//! A [`Keep`] is a folder of objects like the cache's, `objects-v1/ab/cdef…` named by blake3, but nothing removes them
//! except who knows that nothing refers to them ([`Keep::remove`]). What arrives is written into a scratch folder beside
//! them, hashed on the way, synced, and renamed into place, so that an object is there whole or not at all, and stays
//! there once [`Incoming::finish`] said so.
//!
//! Deliberately does not know what the bytes are called: that is written down elsewhere, after the bytes are safe.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hpipe_core::Digest;

use crate::disk::{self, Mode};
use crate::scratch::{Scratch, Temporary};
use crate::{Error, Store, file_hash, utc};

/// Objects as named by docs/formats/objects.md.
const OBJECTS: &str = "objects-v1";

/// Where bytes lie until they are whole.
const SCRATCH: &str = "tmp";

/// Bytes copied at once.
const PIECE: usize = 256 * 1024;

/// A folder of objects that are no cache.
#[derive(Debug)]
pub struct Keep {
    folder: PathBuf,
    scratch: Mutex<Option<Scratch>>,
}

/// Bytes on their way into a [`Keep`]; dropped before they are finished, they leave nothing.
#[derive(Debug)]
pub struct Incoming {
    folder: PathBuf,
    file: File,
    temporary: Temporary,
    hasher: blake3::Hasher,
    size: u64,
}

/// Bytes that arrived and wait to become part of an object; dropped, they leave nothing.
#[derive(Debug)]
pub struct Parked {
    temporary: Temporary,
    digest: Digest,
}

impl Parked {
    /// The digest of the bytes.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl Keep {
    /// The keep in `folder`, which comes into being with the first object.
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            scratch: Mutex::default(),
        }
    }

    /// Begins to take in an object.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn receive(&self) -> Result<Incoming, Error> {
        let temporary = self.temporary()?;
        Ok(Incoming {
            folder: self.folder.clone(),
            file: temporary.create(Mode::ReadOnly)?,
            temporary,
            hasher: blake3::Hasher::new(),
            size: 0,
        })
    }

    /// Opens an object whose bytes are what they should be; none when it is missing or damaged. Reads all of it.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn open(&self, digest: &Digest, size: u64) -> Result<Option<File>, Error> {
        let path = object(&self.folder, digest);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::read(&path)(error)),
        };
        let found = file.metadata().map_err(Error::read(&path))?.len();
        if found != size {
            return Ok(None);
        }
        let hashed = file_hash::hash_file(&file, size, Store::pool).map_err(Error::read(&path))?;
        Ok((hashed == *digest).then_some(file))
    }

    /// Removes an object that nothing refers to; that it is gone already is no error.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, digest: &Digest) -> Result<(), Error> {
        let path = object(&self.folder, digest);
        match disk::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::remove(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The same keep, for somebody else.
    pub fn again(&self) -> Self {
        Self::new(self.folder.clone())
    }

    /// Removes the objects that `is_needed` does not know and that nobody took in or met again for `grace`; with `dry`
    /// none. Says which, with their sizes.
    ///
    /// Whoever takes in bytes that are there already touches the object and then looks whether it is still there
    /// ([`Incoming::finish`]); here it is put aside before its time is looked at. So one of the two notices the other.
    ///
    /// # Errors
    /// When objects cannot be listed or removed.
    pub fn sweep(
        &self,
        is_needed: &dyn Fn(&Digest) -> bool,
        grace: Duration,
        dry: bool,
    ) -> Result<Vec<(Digest, u64)>, Error> {
        let mut swept = Vec::new();
        for (digest, path) in self.objects()? {
            if is_needed(&digest) || !is_older(&path, grace) {
                continue;
            }
            let size = fs::metadata(&path).map_or(0, |found| found.len());
            if dry || self.remove_aside(&path, grace)? {
                swept.push((digest, size));
            }
        }
        Ok(swept)
    }

    /// Puts an object aside and removes it, or back if somebody has touched it meanwhile.
    fn remove_aside(&self, path: &Path, grace: Duration) -> Result<bool, Error> {
        let aside = self.temporary()?;
        disk::rename(path, aside.path()).map_err(Error::place(aside.path()))?;
        match is_older(aside.path(), grace) {
            true => Ok(true), // goes with the temporary
            false => {
                disk::rename(aside.path(), path).map_err(Error::place(path))?;
                Ok(false)
            }
        }
    }

    /// Every object with its path, sorted.
    fn objects(&self) -> Result<Vec<(Digest, PathBuf)>, Error> {
        let parent = self.folder.join(OBJECTS);
        let mut objects = Vec::new();
        for fan in listed(&parent)? {
            for path in listed(&fan)? {
                let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
                let hex = name(&fan).zip(name(&path)).map(|(a, b)| a + &b);
                let digest = hex.and_then(|hex| format!("blake3:{hex}").parse().ok());
                objects.extend(digest.map(|digest| (digest, path)));
            }
        }
        Ok(objects)
    }

    fn temporary(&self) -> Result<Temporary, Error> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scratch) = scratch.as_ref() {
            return Ok(scratch.temporary());
        }
        let parent = self.folder.join(SCRATCH);
        disk::create_folders(&parent)?;
        let made = Scratch::create(&parent)?;
        Ok(scratch.insert(made).temporary())
    }
}

impl Incoming {
    /// Takes in the next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        disk::write(&self.file, bytes).map_err(Error::write(self.temporary.path()))?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The digest of the bytes that have arrived.
    pub fn digest(&self) -> Digest {
        Digest::blake3(*self.hasher.finalize().as_bytes())
    }

    /// How many bytes have arrived.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Closes the file, so that many may wait.
    pub fn park(self) -> Parked {
        Parked {
            digest: self.digest(),
            temporary: self.temporary,
        }
    }

    /// Takes in the bytes of another that waits.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub fn append(&mut self, part: &Parked) -> Result<(), Error> {
        let path = part.temporary.path();
        let mut file = File::open(path).map_err(Error::read(path))?;
        let mut piece = vec![0; PIECE];
        loop {
            match io::Read::read(&mut file, &mut piece).map_err(Error::read(path))? {
                0 => return Ok(()),
                read => self.write(&piece[..read])?,
            }
        }
    }

    /// Puts the object in place, durably, and says its digest and size. One that is there already stays as it is, unless
    /// its bytes are damaged.
    ///
    /// # Errors
    /// When it cannot be synced or put in place.
    pub fn finish(mut self) -> Result<(Digest, u64), Error> {
        let digest = self.digest();
        let target = object(&self.folder, &digest);
        if is_whole(&target, &digest, self.size) && touch(&target) {
            return Ok((digest, self.size));
        }
        disk::sync(&self.file).map_err(Error::write(self.temporary.path()))?;
        let parent = target.parent().unwrap_or(&self.folder);
        if !parent.is_dir() {
            disk::create_folders(parent)?;
            let above = parent.parent().unwrap_or(parent);
            disk::sync_folder(above).map_err(Error::write(above))?;
        }
        self.temporary
            .rename_to(&target)
            .map_err(Error::place(&target))?;
        disk::sync_folder(parent).map_err(Error::write(parent))?;
        Ok((digest, self.size))
    }
}

fn object(folder: &Path, digest: &Digest) -> PathBuf {
    let hex = digest.hex();
    folder.join(OBJECTS).join(&hex[..2]).join(&hex[2..])
}

/// Makes an object young again; whether it is still there then.
fn touch(path: &Path) -> bool {
    let touched = File::open(path).and_then(|file| file.set_modified(utc::now()));
    touched.is_ok() && path.exists()
}

/// Whether nobody took in or touched what lies at a path for so long; what is gone nobody need remove.
fn is_older(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|found| found.modified());
    let since = modified.map(|modified| utc::now().duration_since(modified));
    matches!(since, Ok(Ok(since)) if since >= age)
}

/// The paths in a folder, sorted; none when there is no such folder.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::read(folder))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths
        .collect::<io::Result<Vec<_>>>()
        .map_err(Error::read(folder))?;
    paths.sort();
    Ok(paths)
}

fn is_whole(path: &Path, digest: &Digest, size: u64) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() == size)
        && File::open(path)
            .and_then(|file| file_hash::hash_file(&file, size, Store::pool))
            .is_ok_and(|hashed| hashed == *digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(keep: &Keep, bytes: &[u8]) -> (Digest, u64) {
        let mut incoming = keep.receive().unwrap();
        for part in bytes.chunks(3) {
            incoming.write(part).unwrap();
        }
        incoming.finish().unwrap()
    }

    fn objects(folder: &Path) -> usize {
        let fans = fs::read_dir(folder.join(OBJECTS)).unwrap();
        fans.map(|fan| fs::read_dir(fan.unwrap().path()).unwrap().count())
            .sum()
    }

    #[test]
    fn equal_bytes_are_kept_once() {
        let root = tempfile::tempdir().unwrap();
        let keep = Keep::new(root.path().join("artifacts"));
        let (digest, size) = put(&keep, b"weights");
        assert_eq!(put(&keep, b"weights"), (digest, size));
        assert_ne!(put(&keep, b"").0, digest);
        assert_eq!(objects(&keep.folder), 2);
        let mut file = keep.open(&digest, size).unwrap().unwrap();
        let mut read = String::new();
        io::Read::read_to_string(&mut file, &mut read).unwrap();
        assert_eq!(read, "weights");
    }

    #[test]
    fn damage_counts_as_missing_and_is_mended_by_the_same_bytes() {
        let root = tempfile::tempdir().unwrap();
        let keep = Keep::new(root.path().join("artifacts"));
        let (digest, size) = put(&keep, b"weights");
        let path = object(&keep.folder, &digest);
        fs::remove_file(&path).unwrap();
        assert!(keep.open(&digest, size).unwrap().is_none());
        fs::write(&path, b"weighty").unwrap();
        assert!(keep.open(&digest, size).unwrap().is_none());
        put(&keep, b"weights");
        assert!(keep.open(&digest, size).unwrap().is_some());
    }

    #[test]
    fn what_nobody_needs_goes_unless_it_is_young() {
        let root = tempfile::tempdir().unwrap();
        let keep = Keep::new(root.path().join("artifacts"));
        let [needed, old, met, young] =
            [&b"a"[..], b"b", b"c", b"d"].map(|bytes| put(&keep, bytes));
        let hour = Duration::from_secs(3600);
        for (digest, _) in [needed, old, met] {
            let file = File::open(object(&keep.folder, &digest)).unwrap();
            file.set_modified(utc::now() - 2 * hour).unwrap();
        }
        put(&keep, b"c"); // somebody is about to refer to it again
        let is_needed = |digest: &Digest| *digest == needed.0;
        assert_eq!(keep.sweep(&is_needed, hour, true).unwrap(), [old]);
        assert_eq!(objects(&keep.folder), 4);
        assert_eq!(keep.sweep(&is_needed, hour, false).unwrap(), [old]);
        let is_there = |(digest, size): (Digest, u64)| keep.open(&digest, size).unwrap().is_some();
        assert_eq!(
            [needed, old, met, young].map(is_there),
            [true, false, true, true]
        );
        assert_eq!(
            keep.sweep(&is_needed, Duration::ZERO, false).unwrap().len(),
            2
        );
    }

    #[test]
    fn parts_become_one_object() {
        let root = tempfile::tempdir().unwrap();
        let keep = Keep::new(root.path().join("artifacts"));
        let parts = [&b"wei"[..], b"", b"ghts"].map(|bytes| {
            let mut incoming = keep.receive().unwrap();
            incoming.write(bytes).unwrap();
            incoming.park()
        });
        let mut whole = keep.receive().unwrap();
        for part in &parts {
            whole.append(part).unwrap();
        }
        drop(parts);
        assert_eq!(whole.finish().unwrap(), put(&keep, b"weights"));
        assert_eq!(objects(&keep.folder), 1);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let keep = Keep::new(root.path().join("artifacts"));
        let mut incoming = keep.receive().unwrap();
        incoming.write(b"half").unwrap();
        drop(incoming);
        assert!(!keep.folder.join(OBJECTS).exists());
        drop(keep);
        let left = fs::read_dir(root.path().join("artifacts/tmp")).unwrap();
        assert_eq!(left.count(), 0);
    }
}
