//! Changes in the workspace that are neither commit, restore nor removal: making room, writing a file whole.

use std::io;
use std::path::Path;

use hpipe_core::ProjectPath;

use crate::disk::{self, Durability};
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
