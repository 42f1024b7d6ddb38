//! Says what lies at a path of the workspace: hashes files and builds the trees of folders.
//!
//! A file is stat'ed before it is hashed and again after; while the two differ it is hashed anew. Its digest is
//! remembered in the stat cache only if the file system's clock had ticked past its times before the first of the two
//! (`clock`), so that no later change can go unnoticed. Large folders and large files are spread over the store's own
//! threads: the shared pool may be busy for minutes with a stage that trains.
//!
//! [`Survey`] is the one way through a folder for asking and for committing alike, so that what is committed is what
//! would have been asked.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

use hpipe_core::{Content, ContentKind, Digest, ProjectPath};
use rayon::prelude::*;

use crate::file_hash::{self, LARGE};
use crate::file_stat::{FileStat, is_executable};
use crate::ignore_rules::IgnoreRules;
use crate::objects::ObjectId;
use crate::tree::{self, Entry};
use crate::walk::{self, Found, Listing, Trail};
use crate::witness::{Record, State, key_path};
use crate::{Error, Store};

/// How often a file that changes while it is read is tried before that is an error.
const ATTEMPTS: usize = 5;

/// Folders with fewer entries are not worth waking threads for.
const MANY: usize = 64;

impl Store {
    /// What lies at `path`, links followed; none when nothing does.
    ///
    /// Costs one stat for a file that has not changed since it was last asked for; else it is read.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::KeepsChanging`] when a file does so; [`Error::DanglingLink`], [`Error::LinkCycle`],
    /// [`Error::NotContent`] or [`Error::TooDeep`] for what has no content; [`Error::IgnoreFile`].
    pub fn content(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        Survey::new(self, Manner::Trusting).at(path)
    }

    /// As [`content`](Self::content), but reads every byte whatever the stat cache says.
    ///
    /// # Errors
    /// Those of [`content`](Self::content).
    pub fn content_reread(&self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        Survey::new(self, Manner::Rereading).at(path)
    }
}

/// What is done with each file on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Hashed, unless the stat cache knows it.
    Trusting,
    /// Hashed.
    Rereading,
    /// Hashed, unless the stat cache knows it; the nodes of folders are stored, and no file.
    Outlining,
    /// Hashed and stored with all nodes, unless both are known and stored.
    Committing,
}

/// A walk over what lies at one path.
#[derive(Clone, Copy)]
pub(crate) struct Survey<'a> {
    pub(crate) store: &'a Store,
    manner: Manner,
    /// Where the states are noted that prove what was found.
    record: Option<&'a Record>,
}

/// What a folder was found to be.
struct Folder {
    content: Content,
    /// Whether it holds things, but none that counts, or only the rules which hide them. Then it does not count itself: it
    /// may be all that a removal had to leave, and a folder made anew would not have it.
    is_hollow: bool,
}

impl<'a> Survey<'a> {
    pub(crate) const fn new(store: &'a Store, manner: Manner) -> Self {
        Self {
            store,
            manner,
            record: None,
        }
    }

    /// The same walk, with a record of the states that prove what it finds.
    pub(crate) const fn recording(self, record: &'a Record) -> Self {
        Self {
            record: Some(record),
            ..self
        }
    }

    /// What lies at a path the pipeline names.
    pub(crate) fn at(self, path: &ProjectPath) -> Result<Option<Content>, Error> {
        let on_disk = path.on_disk(self.store.root());
        let key = path.as_str().as_bytes();
        match walk::look(&on_disk)? {
            None => Ok(None),
            Some((ContentKind::File, metadata)) => self.file(&on_disk, key, &metadata),
            Some((ContentKind::Folder, _)) => {
                if let Some(record) = self.record {
                    self.note_rules_above(record, &on_disk);
                }
                let above = IgnoreRules::above(self.store.root(), &on_disk)?;
                let key = if key == b"." { b"" } else { key };
                let folder = self.folder(&on_disk, key, &above, None)?;
                Ok(Some(folder.content))
            }
        }
    }

    /// The tree of a folder; `key` is its path as the stat cache spells it.
    fn folder(
        self,
        path: &Path,
        key: &[u8],
        above: &IgnoreRules,
        outer: Option<&Trail<'_>>,
    ) -> Result<Folder, Error> {
        let trail = Trail::enter(path, outer)?;
        let listing = self.list(path, key, above)?;
        let (found, rules) = (listing.found, listing.rules);
        let may_be_hollow = !listing.left_out.is_empty() || found.iter().any(Found::is_folder);
        let entry = |found: Found| self.entry(found, key, &rules, &trail);
        let entries: Vec<Option<Entry>> = if found.len() < MANY {
            found.into_iter().map(entry).collect::<Result<_, _>>()?
        } else {
            Store::in_parallel(|| {
                let found = found.into_par_iter().with_min_len(MANY / 8);
                found.map(entry).collect::<Result<_, _>>()
            })?
        };
        let entries: Vec<Entry> = entries.into_iter().flatten().collect();
        let is_rules_file = |entry: &Entry| IgnoreRules::is_rules_file(&entry.name);
        let is_hollow = may_be_hollow && entries.iter().all(is_rules_file);
        let content = tree::build(entries, &mut |digest, bytes| self.node(digest, &bytes))?;
        Ok(Folder { content, is_hollow })
    }

    /// Lists a folder all of which has content, and notes what proves the listing.
    fn list(self, path: &Path, key: &[u8], above: &IgnoreRules) -> Result<Listing, Error> {
        let list = || walk::list(path, above, &self.store.cache)?.all_content();
        let Some(record) = self.record else {
            return list();
        };
        let before = FileStat::new(&path.metadata().map_err(Error::read(path))?);
        let reading = self.store.clock.read_for(&self.store.cache, &before);
        self.note_rules(record, key_path(key), false);
        let listing = list()?;
        match reading.is_some_and(|reading| reading.is_after(&before)) {
            true => self.note_listed(record, key, path, &before, &listing.left_out),
            false => record.spoil(),
        }
        Ok(listing)
    }

    fn entry(
        self,
        found: Found,
        folder_key: &[u8],
        rules: &IgnoreRules,
        trail: &Trail<'_>,
    ) -> Result<Option<Entry>, Error> {
        let key = join_key(folder_key, &found.name);
        let content = self.found(&found, &key, rules, Some(trail))?;
        Ok(content.map(|content| Entry {
            name: found.name,
            content,
        }))
    }

    /// The content of what a folder was found to hold; none when it is a hollow folder or has vanished meanwhile.
    pub(crate) fn found(
        self,
        found: &Found,
        key: &[u8],
        rules: &IgnoreRules,
        trail: Option<&Trail<'_>>,
    ) -> Result<Option<Content>, Error> {
        match found.kind {
            ContentKind::Folder => {
                let folder = self.folder(&found.path, key, rules, trail)?;
                Ok((found.is_link || !folder.is_hollow).then_some(folder.content))
            }
            ContentKind::File => match walk::look(&found.path)? {
                Some((_, metadata)) => self.file(&found.path, key, &metadata),
                None => Ok(None),
            },
        }
    }

    /// The content of a file; none when it has vanished meanwhile.
    fn file(self, path: &Path, key: &[u8], metadata: &Metadata) -> Result<Option<Content>, Error> {
        let stat = FileStat::new(metadata);
        if self.manner != Manner::Rereading
            && let Some(digest) = self.store.stat_cache().get(key, &stat)
            && self.suffices(digest, stat.size)
        {
            if let Some(record) = self.record {
                record.note(key, State::Stat(stat));
            }
            return Ok(Some(Content::file(
                digest,
                stat.size,
                is_executable(metadata),
            )));
        }
        let mut seen = stat;
        for _ in 0..ATTEMPTS {
            let file = match File::open(path) {
                Ok(file) => file,
                Err(error) if walk::is_absence(&error) => return Ok(None),
                Err(error) => return Err(Error::read(path)(error)),
            };
            if let Some(content) = self.attempt(path, key, &file, &mut seen)? {
                return Ok(Some(content));
            }
        }
        Err(Error::KeepsChanging {
            path: path.to_path_buf(),
        })
    }

    /// Whether knowing the digest is all that was asked for.
    fn suffices(self, digest: Digest, size: u64) -> bool {
        self.manner != Manner::Committing || self.store.objects().has(ObjectId { digest, size })
    }

    /// Reads an open file once; none when it changed meanwhile. `seen` is its state when it was last looked at.
    fn attempt(
        self,
        path: &Path,
        key: &[u8],
        file: &File,
        seen: &mut FileStat,
    ) -> Result<Option<Content>, Error> {
        let stat = || file.metadata().map_err(Error::read(path));
        let reading = self.store.clock_reading(seen);
        let metadata = stat()?;
        let before = FileStat::new(&metadata);
        let taken = if self.manner == Manner::Committing {
            self.store_file(path, file, before.size)
        } else {
            file_hash::hash_file(file, before.size, Store::pool).map_err(Error::read(path))
        };
        let digest = match taken {
            Err(Error::Read { source, .. }) if source.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(None);
            }
            taken => taken?,
        };
        *seen = FileStat::new(&stat()?);
        if *seen != before {
            return Ok(None);
        }
        if reading.is_some_and(|reading| reading.is_after(&before)) {
            self.store.stat_cache().insert(key, before, digest);
            if let Some(record) = self.record {
                record.note(key, State::Stat(before));
            }
        } else if let Some(record) = self.record {
            record.spoil();
        }
        Ok(Some(Content::file(
            digest,
            before.size,
            is_executable(&metadata),
        )))
    }

    /// Takes notice of a folder's node.
    fn node(self, digest: Digest, bytes: &[u8]) -> Result<(), Error> {
        if matches!(self.manner, Manner::Trusting | Manner::Rereading) {
            return Ok(());
        }
        let size = bytes.len() as u64;
        self.store
            .objects()
            .put_bytes(ObjectId { digest, size }, bytes)
    }
}

impl Store {
    /// A reading of the clock that can prove something about a file in this state; waits for the next tick when the
    /// file is so large that hashing it again would cost more.
    fn clock_reading(&self, stat: &FileStat) -> Option<crate::clock::Reading> {
        if stat.size >= LARGE {
            self.clock.await_tick(&self.cache, stat)
        } else {
            self.clock.read_for(&self.cache, stat)
        }
    }
}

/// The stat cache's key of an entry: its path relative to the project, in bytes.
pub(crate) fn join_key(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(folder.len() + 1 + name.len());
    if !folder.is_empty() {
        key.extend(folder);
        key.push(b'/');
    }
    key.extend(name);
    key
}
