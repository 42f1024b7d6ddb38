//! Lists what a folder holds, as its content counts it.
//!
//! Symbolic links are followed: what counts is what a reader of the path would get. A link that leads nowhere, or back
//! into a folder that holds it, is an error that names it; so is a socket, pipe or device, which has no content. Left out
//! are `.git`, the cache folder, our own temporary files, and what `.hpipeignore` names.
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

/// Lists a folder, sorted by the bytes of the names, and the rules that hold for what is below it.
///
/// # Errors
/// [`Error::DanglingLink`], [`Error::LinkCycle`], [`Error::NotContent`], [`Error::IgnoreFile`] or [`Error::Read`].
pub(crate) fn list(
    folder: &Path,
    above: &IgnoreRules,
    cache: &Path,
) -> Result<(Vec<Found>, IgnoreRules), Error> {
    let entries: Vec<DirEntry> = fs::read_dir(folder)
        .and_then(Iterator::collect)
        .map_err(Error::read(folder))?;
    let has_rules = |entry: &DirEntry| IgnoreRules::is_rules_file(entry.file_name().as_bytes());
    let rules = if entries.iter().any(has_rules) {
        above.with_own(folder)?
    } else {
        above.clone()
    };
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(counted) = look_at(&entry, &rules, cache)? {
            found.push(counted);
        }
    }
    found.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok((found, rules))
}

/// Says what an entry is; none when it does not count or has vanished meanwhile.
fn look_at(entry: &DirEntry, rules: &IgnoreRules, cache: &Path) -> Result<Option<Found>, Error> {
    let name = entry.file_name().into_vec();
    let path = entry.path();
    if name == b".git" || name.starts_with(TEMPORARY_PREFIX.as_bytes()) || path == cache {
        return Ok(None);
    }
    let own_type = entry.file_type().map_err(Error::read(&path))?;
    let is_link = own_type.is_symlink();
    if !is_link && rules.ignores(&path, own_type.is_dir()) {
        return Ok(None);
    }
    let kind = if own_type.is_dir() {
        ContentKind::Folder
    } else if own_type.is_file() {
        ContentKind::File
    } else {
        match fs::metadata(&path) {
            Ok(metadata) if rules.ignores(&path, metadata.is_dir()) => return Ok(None),
            Ok(metadata) => kind_of(&path, &metadata)?,
            Err(error) => return unreachable(&path, rules, error).map(|()| None),
        }
    };
    Ok(Some(Found {
        name,
        path,
        kind,
        is_link,
    }))
}

/// An entry whose metadata cannot be had: ignored, gone since it was listed, or an error.
fn unreachable(path: &Path, rules: &IgnoreRules, error: io::Error) -> Result<(), Error> {
    let gone = || fs::symlink_metadata(path).is_err_and(|error| is_absence(&error));
    if rules.ignores(path, false) || is_absence(&error) && gone() {
        return Ok(());
    }
    let path = path.to_path_buf();
    Err(match error {
        error if is_absence(&error) => Error::DanglingLink { path },
        error if error.raw_os_error() == Some(ELOOP) => Error::LinkCycle { path },
        source => Error::Read { path, source },
    })
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
