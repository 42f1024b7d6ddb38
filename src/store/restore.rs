//! Puts objects back into the workspace.
//!
//! Every byte is verified before anything at the path is touched: a file is built under a temporary name, its digest
//! compared, and only then renamed into place; a folder that is not there is built whole beside its place; in a folder
//! that is there, only what differs is built, all of it verified, and then renamed in, file by file. A process killed
//! between those renames leaves a folder whose digest is neither the old nor the new one, so it is taken for changed and
//! restored again, never for whole. What the content of a folder leaves out (`walk`) was never stored, so it stays where it is.
//!
//! A damaged object is put aside, so that the next execution stores it anew.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use hpipe_core::{Content, ContentKind, Digest, ProjectPath};
use rayon::prelude::*;

use crate::commit::SMALL;
use crate::differences::{self, Differences};
use crate::disk::{self, Mode};
use crate::file_hash;
use crate::ignore_rules::IgnoreRules;
use crate::removal::Removal;
use crate::scratch::Temporary;
use crate::tree::Entry;
use crate::tree_reader::{self, object_of};
use crate::walk;
use crate::{Error, Store};

/// How a restored file shares its bytes with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkType {
    /// Shares the blocks until either is written, where the file system can. Small files are copied, which costs less.
    Reflink,
    /// Is the object itself under another name, read-only: costs no space, but whoever overrides the permission and
    /// writes, writes into the cache. Not for files that must be executable, nor on another file system.
    Hardlink,
    /// Copies.
    Copy,
}

impl LinkType {
    /// What is tried, in this order, when nobody says otherwise.
    pub const PREFERRED: &[Self] = &[Self::Reflink, Self::Copy];
}

impl Store {
    /// Puts the content at `path`, replacing what is there; a symbolic link is replaced, not followed.
    ///
    /// What a folder's content leaves out (`.git`, what `.hpipeignore` names) stays in place. A file whose bytes are right
    /// already only gets its executable bit.
    ///
    /// # Errors
    /// [`Error::NotInCache`] when an object is missing or turns out damaged (then also a warning), [`Error::InTheWay`]
    /// when a file would bury what was never stored, [`Error::Forbidden`]: what was at the path is still there. Else what
    /// reading the cache or writing the workspace fails with.
    pub fn restore(&self, content: &Content, path: &ProjectPath) -> Result<(), Error> {
        let stands = self.refuse_vital(path)?.ok();
        let target = path.on_disk(self.root());
        let restoration = |beside| Restoration {
            store: self,
            target: &target,
            beside,
        };
        match restoration(false).put(content, path, stands.as_ref()) {
            Err(Error::Place { source, .. }) if source.kind() == io::ErrorKind::CrossesDevices => {
                restoration(true).put(content, path, stands.as_ref())
            }
            done => done,
        }
    }
}

impl Store {
    /// Puts the content at `path` anew, where it lies already: each of its files is linked or copied as the store does
    /// now. What the folder's content leaves out stays in place, and at every instant the whole of a file is there.
    ///
    /// # Errors
    /// As [`restore`](Self::restore).
    pub fn relink(&self, content: &Content, path: &ProjectPath) -> Result<(), Error> {
        if content.kind == ContentKind::File {
            return self.replace(content, path);
        }
        let Some(files) = self.stored_files(content)? else {
            return Err(Error::NotInCache {
                path: path.on_disk(self.root()),
                digest: content.digest,
            });
        };
        for (file, content) in files {
            let path = path.join(&file);
            // A name that is no text is left as it is.
            if path.on_disk(self.root()).is_file() {
                self.replace(&content, &path)?;
            }
        }
        Ok(())
    }

    /// Puts a file anew where one stands.
    fn replace(&self, content: &Content, path: &ProjectPath) -> Result<(), Error> {
        let _ = self.refuse_vital(path)?;
        let target = path.on_disk(self.root());
        let replace = |beside| {
            let restoration = Restoration {
                store: self,
                target: &target,
                beside,
            };
            let built = restoration.build_for(content, &target)?;
            restoration.swap(built, &target)
        };
        match replace(false) {
            Err(Error::Place { source, .. }) if source.kind() == io::ErrorKind::CrossesDevices => {
                replace(true)
            }
            done => done,
        }
    }
}

/// Restores one path.
#[derive(Clone, Copy)]
struct Restoration<'a> {
    store: &'a Store,
    /// Where on disk, for errors.
    target: &'a Path,
    /// Builds in the workspace, because a rename from the cache folder does not reach there.
    beside: bool,
}

impl Restoration<'_> {
    /// `stands`: what is at the path now.
    fn put(
        self,
        content: &Content,
        path: &ProjectPath,
        stands: Option<&Metadata>,
    ) -> Result<(), Error> {
        let is_folder = stands.is_some_and(Metadata::is_dir);
        match content.kind {
            ContentKind::Folder if is_folder => {
                let differences = Differences::find(self.store, content, self.target, path)?;
                return self.mend(differences);
            }
            ContentKind::File if is_folder => {
                let above = IgnoreRules::above(self.store.root(), self.target)?;
                differences::refuse_to_bury(self.target, &above, self.store)?;
            }
            ContentKind::File
                if stands.is_some_and(|found| self.may_be(content, found))
                    && self.set_only_the_bit(content, path)? =>
            {
                return Ok(());
            }
            _ => {}
        }
        let built = self.build_for(content, self.target)?;
        self.swap(built, self.target)
    }

    /// Whether what stands at the path may be the wanted file but for its executable bit, and may get that.
    fn may_be(self, content: &Content, found: &Metadata) -> bool {
        let may_get_it = !content.executable || !differences::has_other_names(self.target);
        found.is_file() && found.len() == content.object_size && may_get_it
    }

    /// Sets or clears the executable bit of a file whose bytes are right; false when they are not.
    fn set_only_the_bit(self, content: &Content, path: &ProjectPath) -> Result<bool, Error> {
        let found = self.store.content(path)?;
        let Some(right) = found.filter(|found| differences::has_same_bytes(found, content)) else {
            return Ok(false);
        };
        if right.executable != content.executable {
            disk::set_executable(self.target, content.executable)
                .map_err(Error::write(self.target))?;
        }
        Ok(true)
    }

    /// Brings a folder to what it should be: builds all that is missing in it, then puts it in place.
    fn mend(self, differences: Differences) -> Result<(), Error> {
        let build = |(content, target): (Content, PathBuf)| {
            Ok((self.build_for(&content, &target)?, target))
        };
        let built: Vec<(Temporary, PathBuf)> = Store::in_parallel(|| {
            let missing = differences.missing.into_par_iter();
            missing.map(build).collect::<Result<_, Error>>()
        })?;
        for (built, target) in built {
            self.swap(built, &target)?;
        }
        for (path, executable) in &differences.executable {
            disk::set_executable(path, *executable).map_err(Error::write(path))?;
        }
        let mut removal = Removal::new(self.store);
        for extra in &differences.extra {
            match &extra.folder {
                Some(rules) => drop(removal.folder(&extra.path, rules)?),
                None => disk::remove_file(&extra.path).map_err(Error::remove(&extra.path))?,
            }
        }
        Ok(())
    }

    /// Builds a content under a temporary name from where it can be renamed to `target`.
    fn build_for(self, content: &Content, target: &Path) -> Result<Temporary, Error> {
        let temporary = self.temporary(target)?;
        self.build(content, temporary.path())?;
        Ok(temporary)
    }

    fn temporary(self, target: &Path) -> Result<Temporary, Error> {
        let folder = target.parent().unwrap_or(target);
        if self.beside {
            self.store.cache.temporary_beside(folder)
        } else {
            self.store.cache.temporary_for(folder)
        }
    }

    /// Builds a content at `at`, where nothing is.
    fn build(self, content: &Content, at: &Path) -> Result<(), Error> {
        match content.kind {
            ContentKind::File => self.build_file(content, at),
            ContentKind::Folder => self.build_folder(content, at),
        }
    }

    fn build_folder(self, content: &Content, at: &Path) -> Result<(), Error> {
        let entries = tree_reader::entries(self.store.objects(), content)?;
        let entries = entries.ok_or_else(|| self.missing(content))?;
        disk::create_folder(at).map_err(Error::create_folder(at))?;
        let build = |entry: &Entry| {
            let at = walk::entry_path(at, &entry.name);
            self.build(&entry.content, &at)
        };
        Store::in_parallel(|| entries.par_iter().with_min_len(16).try_for_each(build))
    }

    /// Builds a file by the first way of linking that can be had.
    fn build_file(self, content: &Content, at: &Path) -> Result<(), Error> {
        for link in &self.store.links {
            let is_built = match link {
                LinkType::Hardlink => !content.executable && self.link(content, at)?,
                LinkType::Reflink => content.object_size > SMALL && self.clone(content, at)?,
                LinkType::Copy => break,
            };
            if is_built {
                return Ok(());
            }
        }
        self.copy(content, at)
    }

    fn copy(self, content: &Content, at: &Path) -> Result<(), Error> {
        let file = create(content, at)?;
        if content.object_size <= SMALL {
            let bytes = self.store.objects().read(object_of(content))?;
            let bytes = bytes.ok_or_else(|| self.missing(content))?;
            return disk::write(&file, &bytes).map_err(Error::write(at));
        }
        let (object, size) = (self.open(content)?, content.object_size);
        let copied = disk::copy(&object, &file, size, false, Store::pool);
        self.verify(content, copied.map_err(Error::write(at))?)
    }

    /// Makes the file share the blocks of its object; false, and nothing is there, where the file system cannot.
    fn clone(self, content: &Content, at: &Path) -> Result<bool, Error> {
        let file = create(content, at)?;
        let object = self.open(content)?;
        if !disk::reflink(&object, &file).map_err(Error::write(at))? {
            disk::remove_file(at).map_err(Error::remove(at))?;
            return Ok(false);
        }
        // The clone is hashed, not the object: nobody else can change it.
        let digest = file_hash::hash_file(&file, content.object_size, Store::pool);
        self.verify(content, digest.map_err(Error::read(at))?)?;
        Ok(true)
    }

    /// Makes the file a second name of its object; false where the file system cannot.
    fn link(self, content: &Content, at: &Path) -> Result<bool, Error> {
        let path = self.store.objects().path(content.digest);
        let object = self.open(content)?;
        let digest = file_hash::hash_file(&object, content.object_size, Store::pool);
        self.verify(content, digest.map_err(Error::read(&path))?)?;
        Ok(disk::hard_link(&path, at).is_ok())
    }

    fn open(self, content: &Content) -> Result<File, Error> {
        let object = self.store.objects().open(object_of(content))?;
        object.ok_or_else(|| self.missing(content))
    }

    /// Compares what was read of an object with what it should be.
    fn verify(self, content: &Content, found: Digest) -> Result<(), Error> {
        if found == content.digest {
            return Ok(());
        }
        self.store.objects().put_aside(content.digest);
        Err(self.missing(content))
    }

    fn missing(self, content: &Content) -> Error {
        Error::NotInCache {
            path: self.target.to_path_buf(),
            digest: content.digest,
        }
    }

    /// Puts what was built at `target`; what stands in the way, a folder that holds nothing but what counts, is moved aside
    /// first and then removed.
    fn swap(self, mut built: Temporary, target: &Path) -> Result<(), Error> {
        match built.rename_to(target) {
            Err(error) if stands_in_the_way(&error) => {
                let aside = self.temporary(target)?;
                disk::rename(target, aside.path()).map_err(Error::place(target))?;
                built.rename_to(target).map_err(Error::place(target))
            }
            done => done.map_err(Error::place(target)),
        }
    }
}

/// Creates the file that will hold a content.
fn create(content: &Content, at: &Path) -> Result<File, Error> {
    disk::create_new(at, Mode::of_file(content.executable)).map_err(Error::write(at))
}

/// Whether a rename failed because a folder is where a file should go, or the other way round.
fn stands_in_the_way(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
    )
}
