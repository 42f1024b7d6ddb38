//! Changes in the workspace that are neither commit, restore nor removal: making room, writing a file whole.

use std::io;
use std::path::Path;

use hpipe_core::ProjectPath;

use crate::disk::{self, Durability};
use crate::scratch::{TEMPORARY_PREFIX, Temporary};
use crate::utc;
use crate::{Error, Store};

impl Store {
    /// Creates the folder that will hold `path`, and those above it.
    ///
    /// # Errors
    /// [`Error::CreateFolder`].
    pub fn create_parent(&self, path: &ProjectPath) -> Result<(), Error> {
        match path.on_disk(self.root()).parent() {
            Some(parent) => disk::create_folders(parent),
            None => Ok(()),
        }
    }

    /// Makes the file at `path` hold exactly `bytes`: all of the old ones or all of the new ones, whatever happens.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Place`]; the file is then as it was.
    pub fn write_file(&self, path: &ProjectPath, bytes: &[u8]) -> Result<(), Error> {
        let target = path.on_disk(self.root());
        let folder = target.parent().unwrap_or(Path::new("/"));
        let durability = match self.is_replica() {
            true => Durability::Cached,
            false => Durability::Synced,
        };
        let write = |temporary| disk::write_whole(temporary, &target, bytes, durability);
        match write(self.cache.temporary_for(folder)?) {
            Err(Error::Place { source, .. }) if source.kind() == io::ErrorKind::CrossesDevices => {
                write(self.cache.temporary_beside(folder)?)
            }
            done => done,
        }
    }
}

/// Makes the file at `path`, anywhere on the disk, hold exactly `bytes`, as [`Store::write_file`] does in a project: built beside
/// it, so that nothing else is left in its folder.
///
/// # Errors
/// [`Error::Write`] or [`Error::Place`]; the file is then as it was.
pub fn write_anywhere(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let id = format!("{:x}-{:x}", utc::now_micros(), std::process::id());
    let temporary = Temporary::at(folder.join(format!("{TEMPORARY_PREFIX}{id}")));
    disk::write_whole(temporary, path, bytes, Durability::Synced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_anywhere_is_all_that_is_left() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        for text in ["one", "another"] {
            write_anywhere(&path, text.as_bytes()).expect("written");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), text);
        }
        write_anywhere(&folder.path().join("none/report.json"), b"").expect_err("no folder");
        let names = std::fs::read_dir(folder.path()).expect("listed");
        let names: Vec<_> = names
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["report.json"]);
    }
}
