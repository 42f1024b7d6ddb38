//! The files of a project that name what its cache is needed for: lock files, and those that stand for data.
//!
//! Looked for by name in the whole tree, whatever ignore rules and pipelines say: who removes from the cache must rather
//! find one too many.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;

/// How their names end.
pub(crate) const NAMING: [&str; 3] = [".lock", ".dvc", ".hpipe"];

/// Whether a file of this name may name digests.
pub(crate) fn names_digests(path: &str) -> bool {
    NAMING.iter().any(|ending| path.ends_with(ending))
}

/// Hands over every such file below `root` with its bytes. Neither `cache` nor git's own folder is entered, and no link to
/// a folder followed.
///
/// # Errors
/// [`Error::Read`].
pub(crate) fn each_naming_file(
    root: &Path,
    cache: &Path,
    take: &mut dyn FnMut(&Path, Vec<u8>),
) -> Result<(), Error> {
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).map_err(unreadable(&folder))? {
            let entry = entry.map_err(unreadable(&folder))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(unreadable(&path))?;
            if kind.is_dir() {
                let is_searched = path != cache && entry.file_name() != ".git";
                open.extend(is_searched.then_some(path));
            } else if names_digests(&path.to_string_lossy()) {
                match fs::read(&path) {
                    Ok(text) => take(&path, text),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {} // gone, or a link to nothing
                    Err(_) if path.is_dir() => {}
                    Err(error) => return Err(unreadable(&path)(error)),
                }
            }
        }
    }
    Ok(())
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path: PathBuf = path.to_owned();
    move |source| Error::Read { path, source }
}
