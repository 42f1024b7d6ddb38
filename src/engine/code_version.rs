//! Which code a project has: the commit that is checked out, and whether anything differs from it.

use std::path::{Path, PathBuf};

use hpipe_core::ProjectPath;

use crate::Error;
use crate::git::{Git, GitError};

/// The code of a project that lies in a git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeVersion {
    /// The hash of the commit that is checked out.
    pub commit: String,
    /// Whether a file that git tracks, or could, differs from it.
    pub is_dirty: bool,
}

impl CodeVersion {
    /// That of the project at `root`; none outside of a repository, in one without a commit, and where there is no git.
    ///
    /// # Errors
    /// [`Error::Git`] when git fails.
    pub fn of(root: &Path) -> Result<Option<Self>, Error> {
        let git = match Git::around(root) {
            Ok(git) => git,
            Err(GitError::Missing | GitError::NoRepository { .. }) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        match git.commit("HEAD") {
            Ok(commit) => {
                let is_dirty = git.is_dirty()?;
                Ok(Some(Self { commit, is_dirty }))
            }
            Err(GitError::NoCommit(_) | GitError::UnknownRevision { .. }) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }
}

/// Makes a clone of the repository around `root` in `folder`, which does not exist yet, with `commit` checked out; says
/// where the project lies in it. Objects are shared with the repository, which is not changed.
///
/// # Errors
/// [`Error::Git`] when git fails, or the repository does not have the commit.
pub fn clone_at(root: &Path, commit: &str, folder: &Path) -> Result<PathBuf, Error> {
    let git = Git::around(root)?;
    git.commit(commit)?;
    let prefix: ProjectPath = git.clone_to(commit, folder)?;
    Ok(prefix.on_disk(folder))
}
