//! Lists what a folder holds, as its content counts it.
//!
//! Symbolic links are followed: what counts is what a reader of the path would get. A link that leads nowhere, or back
//! into a folder that holds it, is an error that names it; so is a socket, pipe or device, which has no content. Left out
//! are `.git`, the cache folder, the records of runs, our own temporary files, and what `.hpipeignore` names. What is left out belongs to the
//! user: it is listed apart, so that nobody removes it with a folder it happens to lie in.
//!
//! Does not read files: see `content`.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, FileType, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use hpipe_core::ContentKind;

use crate::Error;
use crate::cache_folder::CacheFolder;
use crate::ignore_rules::IgnoreRules;
use crate::scratch::TEMPORARY_PREFIX;

/// Folders nested deeper than this are an error rather than a stack that overflows.
pub(crate) const DEEPEST: usize = 255;

/// Errno of a link that leads through too many others.
const ELOOP: i32 = rustix::io::Errno::LOOP.raw_os_error();

/// Something a folder holds.
#[derive(Debug)]
pub(crate) struct Found {
    /// The bytes of its name.
    pub(crate) name: Vec<u8>,
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// What it is, links followed.
    pub(crate) kind: ContentKind,
    /// Whether it is reached through a symbolic link.
    pub(crate) is_link: bool,
}

/// The folders a walk is inside of, from the inside out: a second meeting is a cycle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trail<'a> {
    device: u64,
    inode: u64,
    depth: usize,
    outer: Option<&'a Self>,
}

impl<'a> Trail<'a> {
    /// Steps into `folder`.
    ///
    /// # Errors
    /// [`Error::LinkCycle`] when the walk is inside of it already, [`Error::TooDeep`], or [`Error::Read`].
    pub(crate) fn enter(folder: &Path, outer: Option<&'a Self>) -> Result<Self, Error> {
        let metadata = fs::metadata(folder).map_err(Error::read(folder))?;
        let (device, inode) = (metadata.dev(), metadata.ino());
        let mut ancestor = outer;
        while let Some(trail) = ancestor {
            if (trail.device, trail.inode) == (device, inode) {
                return Err(Error::LinkCycle {
                    path: folder.to_path_buf(),
                });
            }
            ancestor = trail.outer;
        }
        let depth = outer.map_or(0, |outer| outer.depth + 1);
        if depth > DEEPEST {
            return Err(Error::TooDeep {
                path: folder.to_path_buf(),
                limit: DEEPEST,
            });
        }
        Ok(Self {
            device,
            inode,
            depth,
            outer,
        })
    }
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// What counts, sorted by the bytes of the names.
    pub(crate) found: Vec<Found>,
    /// What counts and yet has no content, and why.
    pub(crate) odd: Vec<Odd>,
    /// What does not count, sorted.
    pub(crate) left_out: Vec<PathBuf>,
    /// Temporary files of ours, which do not count either.
    pub(crate) temporary: Vec<PathBuf>,
    /// The rules that hold for what is below.
    pub(crate) rules: IgnoreRules,
}

/// An entry that has no content: a link that leads nowhere, a socket.
#[derive(Debug)]
pub(crate) struct Odd {
    /// The bytes of its name.
    pub(crate) name: Vec<u8>,
    /// Where it lies; it is no folder.
    pub(crate) path: PathBuf,
    error: Error,
}

impl Listing {
    /// The listing of a folder all of which has content.
    ///
    /// # Errors
    /// [`Error::DanglingLink`], [`Error::LinkCycle`], [`Error::NotContent`] or [`Error::Read`] for what has none.
    pub(crate) fn all_content(mut self) -> Result<Self, Error> {
        match self.odd.is_empty() {
            true => Ok(self),
            false => Err(self.odd.swap_remove(0).error),
        }
    }
}

/// Lists a folder.
///
/// # Errors
/// [`Error::IgnoreFile`] or [`Error::Read`].
pub(crate) fn list(
    folder: &Path,
    above: &IgnoreRules,
    cache: &CacheFolder,
) -> Result<Listing, Error> {
    let entries: Vec<DirEntry> = fs::read_dir(folder)
        .and_then(Iterator::collect)
        .map_err(Error::read(folder))?;
    let has_rules = |entry: &DirEntry| IgnoreRules::is_rules_file(entry.file_name().as_bytes());
    let rules = if entries.iter().any(has_rules) {
        above.with_own(folder)?
    } else {
        above.clone()
    };
    let mut listing = Listing {
        found: Vec::with_capacity(entries.len()),
        rules,
        ..Listing::default()
    };
    for entry in entries {
        listing.add(&entry, cache)?;
    }
    listing.found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    listing.left_out.sort_unstable();
    Ok(listing)
}

/// The first thing in a folder, or below, that does not count; none when all of it does.
///
/// # Errors
/// Those of [`list`].
pub(crate) fn first_left_out(
    folder: &Path,
    above: &IgnoreRules,
    cache: &CacheFolder,
) -> Result<Option<PathBuf>, Error> {
    let listing = list(folder, above, cache)?;
    if let Some(path) = listing.left_out.into_iter().next() {
        return Ok(Some(path));
    }
    for inner in listing.found.iter().filter(|found| found.is_folder()) {
        if let Some(path) = first_left_out(&inner.path, &listing.rules, cache)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

impl Found {
    /// Whether it is itself a folder, no link to one.
    pub(crate) fn is_folder(&self) -> bool {
        self.kind == ContentKind::Folder && !self.is_link
    }
}

impl Listing {
    /// Says what an entry is; nothing when it has vanished meanwhile.
    fn add(&mut self, entry: &DirEntry, cache: &CacheFolder) -> Result<(), Error> {
        let name = entry.file_name().into_vec();
        let path = entry.path();
        if name.starts_with(TEMPORARY_PREFIX.as_bytes()) {
            self.temporary.push(path);
            return Ok(());
        }
        let own_type = entry.file_type().map_err(Error::read(&path))?;
        let is_link = own_type.is_symlink();
        let left_out = name == b".git"
            || cache.is_at(&path)
            || cache.is_of_records(&path)
            || !is_link && self.rules.ignores(&path, own_type.is_dir());
        let kind = match left_out {
            true => Ok(None),
            false if own_type.is_dir() => Ok(Some(ContentKind::Folder)),
            false if own_type.is_file() => Ok(Some(ContentKind::File)),
            false => match fs::metadata(&path) {
                Ok(metadata) if self.rules.ignores(&path, metadata.is_dir()) => Ok(None),
                Ok(metadata) => kind_of(&path, &metadata).map(Some),
                Err(_) if self.rules.ignores(&path, false) => Ok(None),
                Err(error) if is_absence(&error) && is_gone(&path) => return Ok(()),
                Err(error) => Err(unreachable(&path, error)),
            },
        };
        match kind {
            Ok(None) => self.left_out.push(path),
            Ok(Some(kind)) => self.found.push(Found {
                name,
                path,
                kind,
                is_link,
            }),
            Err(error) => self.odd.push(Odd { name, path, error }),
        }
        Ok(())
    }
}

/// Whether an entry is not there any more.
fn is_gone(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| is_absence(&error))
}

/// Why the metadata of what an entry leads to cannot be had.
fn unreachable(path: &Path, error: io::Error) -> Error {
    let path = path.to_path_buf();
    match error {
        error if is_absence(&error) => Error::DanglingLink { path },
        error if error.raw_os_error() == Some(ELOOP) => Error::LinkCycle { path },
        source => Error::Read { path, source },
    }
}

/// What lies at a path, links followed; none when nothing does, or only a link that leads nowhere.
///
/// # Errors
/// [`Error::LinkCycle`], [`Error::NotContent`] or [`Error::Read`].
pub(crate) fn look(path: &Path) -> Result<Option<(ContentKind, Metadata)>, Error> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((kind_of(path, &metadata)?, metadata))),
        Err(error) if is_absence(&error) => Ok(None),
        Err(error) if error.raw_os_error() == Some(ELOOP) => Err(Error::LinkCycle {
            path: path.to_path_buf(),
        }),
        Err(error) => Err(Error::read(path)(error)),
    }
}

/// Whether the error says that nothing lies at the path, not even the folder that would hold it.
pub(crate) fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn kind_of(path: &Path, metadata: &Metadata) -> Result<ContentKind, Error> {
    let file_type = metadata.file_type();
    if file_type.is_dir() {
        Ok(ContentKind::Folder)
    } else if file_type.is_file() {
        Ok(ContentKind::File)
    } else {
        Err(Error::NotContent {
            path: path.to_path_buf(),
            kind: kind_name(file_type),
        })
    }
}

fn kind_name(file_type: FileType) -> &'static str {
    if file_type.is_socket() {
        "socket"
    } else if file_type.is_fifo() {
        "named pipe"
    } else {
        "device"
    }
}

/// The path of an entry, from the bytes of its name.
pub(crate) fn entry_path(folder: &Path, name: &[u8]) -> PathBuf {
    folder.join(OsStr::from_bytes(name))
}
