//! The project at a commit, in a folder of its own.

use std::path::{Path, PathBuf};

use hpipe_core::ProjectPath;

use crate::Error;
use crate::git::{Git, GitError, Tracked};

/// The files of a project in one commit.
#[derive(Debug)]
pub struct CommittedFiles {
    git: Git,
    commit: String,
}

impl CommittedFiles {
    /// Those of the project at `root`; none when there is no such commit, no repository or no git.
    ///
    /// # Errors
    /// [`Error::Git`] when git fails.
    pub fn at(root: &Path, commit: &str) -> Result<Option<Self>, Error> {
        let found = Git::around(root).and_then(|git| {
            let commit = git.commit(commit)?;
            Ok(Self { git, commit })
        });
        match found {
            Ok(found) => Ok(Some(found)),
            Err(GitError::Failed { .. } | GitError::Broken { .. }) => Ok(Some(found?)),
            Err(_) => Ok(None),
        }
    }

    /// The bytes of a file; none when the commit has none there.
    ///
    /// # Errors
    /// [`Error::Git`] when git fails.
    pub fn read(&self, path: &ProjectPath) -> Result<Option<Vec<u8>>, Error> {
        Ok(match self.git.at(&self.commit, path)? {
            Some(Tracked::File(bytes)) => Some(bytes),
            _ => None,
        })
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
    Ok(git.clone_to(commit, folder)?.on_disk(folder))
}
