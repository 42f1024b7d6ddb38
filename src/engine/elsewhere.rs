//! The project at a commit, in a folder of its own.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::git::Git;

/// Makes a clone of the repository around `root` in `folder`, which does not exist yet, with `commit` checked out; says
/// where the project lies in it. Objects are shared with the repository, which is not changed.
///
/// # Errors
/// [`Error::Git`] when git fails, or the repository does not have the commit.
pub fn clone_at(root: &Path, commit: &str, folder: &Path) -> Result<PathBuf, Error> {
    let git = Git::around(root)?;
    git.commit(commit)?;
    Ok(git.clone_to(commit, folder)?.on_disk(folder))
}
