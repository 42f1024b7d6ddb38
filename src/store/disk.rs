//! The durable steps: everything that changes what a later process finds on disk.
//!
//! Thin wrappers over the system's calls, so that each of them passes the [`failpoint`](crate::failpoint) and is used in
//! one way. A file that others may read while we write it is never written in place: [`write_whole`] writes a temporary
//! file, syncs it, renames it over the target and syncs the folder, so that after a crash at any instant the target is
//! the old file or the new one.
//!
//! What is not synced here, and why: objects and run records ([`sync_file_system`] makes all of them durable at once,
//! before the lock file refers to them) and what can be had again for little (stat cache, durations), whose checksums
//! reveal what a lost power supply left of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use hpipe_core::Digest;

use crate::Error;
use crate::failpoint::step;
use crate::file_hash::{self, Pool};
use crate::scratch::Temporary;

/// The permissions a new file asks for; the process's umask takes from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Readable and writable.
    Plain,
    /// Readable, writable, executable.
    Executable,
    /// Readable: an object.
    ReadOnly,
}

impl Mode {
    /// What a restored file of the workspace gets.
    pub(crate) const fn of_file(executable: bool) -> Self {
        if executable {
            Self::Executable
        } else {
            Self::Plain
        }
    }

    const fn bits(self) -> u32 {
        match self {
            Self::Plain => 0o666,
            Self::Executable => 0o777,
            Self::ReadOnly => 0o444,
        }
    }
}

/// Creates a file that must not exist yet.
pub(crate) fn create_new(path: &Path, mode: Mode) -> io::Result<File> {
    step()?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(mode.bits())
        .open(path)
}

/// Opens a file for reading and writing, creating it empty if need be.
pub(crate) fn open_or_create(path: &Path) -> io::Result<File> {
    step()?;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Creates a file that must not exist yet and whose writers, several perhaps, all append.
pub(crate) fn create_log(path: &Path) -> io::Result<File> {
    step()?;
    OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .open(path)
}

/// Appends `bytes` at the file's position.
pub(crate) fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    step()?;
    file.write_all(bytes)
}

/// Replaces the bytes from `offset` on.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    step()?;
    file.write_all_at(bytes, offset)
}

/// Cuts the file, or lets it end in a hole.
pub(crate) fn set_length(file: &File, length: u64) -> io::Result<()> {
    step()?;
    file.set_len(length)
}

/// Copies the `size` bytes of `source` into the empty `target` and says the digest of what is there then.
///
/// With `share`, the file system is asked to let both files have the same blocks until one is written.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] when the source does not have that size by now.
pub(crate) fn copy(
    source: &File,
    target: &File,
    size: u64,
    share: bool,
    pool: Pool,
) -> io::Result<Digest> {
    step()?;
    if share && is_cloned(source, target) {
        return match target.metadata()?.len() == size {
            true => file_hash::hash_file(target, size, pool),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        };
    }
    target.set_len(0)?; // a failed clone leaves anything
    file_hash::copy_file(source, target, size, pool)
}

/// Lets the empty `target` have the blocks of `source` until one is written; false where the file system cannot.
pub(crate) fn reflink(source: &File, target: &File) -> io::Result<bool> {
    step()?;
    Ok(is_cloned(source, target))
}

fn is_cloned(source: &File, target: &File) -> bool {
    reflink_copy::reflink_file(source, target).is_ok()
}

/// Waits until the file's bytes are on the device.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    step()?;
    file.sync_all()
}

/// Waits until the names in the folder are on the device.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    step()?;
    File::open(path)?.sync_all()
}

/// Waits until everything written to the file system of `path` is on the device.
pub(crate) fn sync_file_system(path: &Path) -> io::Result<()> {
    step()?;
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(File::open(path)?)?;
    #[cfg(not(target_os = "linux"))]
    rustix::fs::sync();
    Ok(())
}

/// Renames, replacing what is there.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::rename(from, to)
}

/// Renames, unless something is at `to` already.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`]; others also where the file system or the system cannot.
pub(crate) fn rename_first(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    #[cfg(target_os = "linux")]
    return Ok(rustix::fs::renameat_with(
        rustix::fs::CWD,
        from,
        rustix::fs::CWD,
        to,
        rustix::fs::RenameFlags::NOREPLACE,
    )?);
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives the file `from` the second name `to`, which must not exist yet.
pub(crate) fn hard_link(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    fs::hard_link(from, to)
}

/// Makes the symbolic link `link`, which leads to `to`.
pub(crate) fn symbolic_link(to: &Path, link: &Path) -> io::Result<()> {
    step()?;
    std::os::unix::fs::symlink(to, link)
}

/// Removes a file or a symbolic link.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_file(path)
}

/// Removes a folder and all below it, following no links.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    step()?;
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_for_removal(path)?;
            fs::remove_dir_all(path)
        }
        done => done,
    }
}

/// Removes a file, a symbolic link (not its target) or a folder with all below it.
pub(crate) fn remove_any(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        remove_tree(path)
    } else {
        remove_file(path)
    }
}

/// Gives the owner back the right to remove entries, which tools that write read-only folders took.
fn open_for_removal(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_for_removal(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes a folder, which is empty.
pub(crate) fn remove_empty_folder(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_dir(path)
}

/// Does something in `folder`; when that is not permitted, gives the owner all rights there and tries once more.
pub(crate) fn with_rights<T>(
    folder: &Path,
    mut work: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    match work() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let mode = fs::metadata(folder)?.permissions().mode();
            fs::set_permissions(folder, fs::Permissions::from_mode(mode | 0o700))?;
            work()
        }
        done => done,
    }
}

/// Sets or clears the executable bits, leaving the others.
pub(crate) fn set_executable(path: &Path, executable: bool) -> io::Result<()> {
    step()?;
    let mode = fs::metadata(path)?.permissions().mode();
    let readable = mode & 0o444;
    let bits = if executable {
        mode | (readable >> 2)
    } else {
        mode & !0o111
    };
    fs::set_permissions(path, fs::Permissions::from_mode(bits))
}

/// Creates one folder; it may exist already.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    step()?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        done => done,
    }
}

/// Creates a folder and those above it.
///
/// # Errors
/// [`Error::CreateFolder`], for example when a file stands in the way.
pub(crate) fn create_folders(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    match create_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                create_folders(parent)?;
            }
            create_folder(path).map_err(Error::create_folder(path))
        }
        done => done.map_err(Error::create_folder(path)),
    }
}

/// Whether a write must outlast a lost power supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Synced before it is put in place, and its folder after.
    Synced,
    /// Left to the system: whole after a crash of hpipe, perhaps not after one of the machine.
    Cached,
}

/// Makes `target` hold exactly `bytes`: all of the old file or all of the new one, whatever happens.
///
/// # Errors
/// [`Error::Write`] or [`Error::Place`]; `target` is then as it was.
pub(crate) fn write_whole(
    mut temporary: Temporary,
    target: &Path,
    bytes: &[u8],
    durability: Durability,
) -> Result<(), Error> {
    let file = temporary.create(Mode::Plain)?;
    write(&file, bytes).map_err(Error::write(target))?;
    if durability == Durability::Synced {
        sync(&file).map_err(Error::write(target))?;
    }
    temporary.rename_to(target).map_err(Error::place(target))?;
    if durability == Durability::Synced {
        let folder = target.parent().unwrap_or(target);
        sync_folder(folder).map_err(Error::write(folder))?;
    }
    Ok(())
}
