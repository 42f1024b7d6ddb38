//! Says what the cache is needed for, and lets the store remove the rest.
//!
//! Needed is what files that belong into git name by digest: lock files, and the small files that stand for data. They are
//! looked for in the whole tree below the project's root, and in the commits that the user wants to go back to. Whether
//! they can be parsed does not matter: see [`Needed::named_in`].
//!
//! Does not know what lies in the cache: that is `hpipe_store`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use hpipe_store::{Garbage, GarbageRules, Needed, Store};

use crate::Error;
use crate::git::Git;
use crate::naming::{NAMING, each_naming_file, names_digests};

/// Whose results stay; those of the workspace always do.
#[derive(Debug, Clone, Default)]
pub struct GcScope {
    /// Those of every local branch.
    pub all_branches: bool,
    /// Those of every tag.
    pub all_tags: bool,
    /// Those of every commit that a branch, a tag or another reference leads to.
    pub all_commits: bool,
    /// Those of these revisions.
    pub revisions: Vec<String>,
    /// Of each of these revisions so many commits, itself included; 1 if none is given.
    pub ancestors: Option<usize>,
    /// Those of other projects that share the cache.
    pub projects: Vec<PathBuf>,
}

impl GcScope {
    /// Whether git must be asked.
    fn has_past(&self) -> bool {
        self.all_branches || self.all_tags || self.all_commits || !self.revisions.is_empty()
    }
}

/// Removes from the cache of `store` what neither the scope nor the rules keep; with `dry`, only says what that is.
///
/// # Errors
/// [`Error::Git`] when there is no git, no repository or no such revision; [`Error::Read`] when the tree cannot be
/// searched; [`Error::Store`] when the cache cannot be read or written.
pub fn gc(
    store: &Store,
    scope: &GcScope,
    rules: &GarbageRules,
    dry: bool,
) -> Result<Garbage, Error> {
    // History does not change under our hands, and takes long; the workspace does.
    let mut needed = past(store.root(), scope)?;
    if dry {
        present(store, scope, &mut needed)?;
        return Ok(store.garbage(&needed, rules)?);
    }
    let collector = store.collector()?;
    present(store, scope, &mut needed)?;
    Ok(collector.collect(&needed, rules)?)
}

/// What the workspace needs, and the other projects.
fn present(store: &Store, scope: &GcScope, needed: &mut Needed) -> Result<(), Error> {
    let roots = std::iter::once(store.root()).chain(scope.projects.iter().map(PathBuf::as_path));
    for root in roots {
        each_naming_file(root, store.cache_folder(), &mut |_, text| {
            needed.named_in(&text);
        })?;
    }
    Ok(())
}

/// What the commits of the scope need.
fn past(root: &Path, scope: &GcScope) -> Result<Needed, Error> {
    let mut needed = Needed::default();
    if !scope.has_past() {
        return Ok(needed);
    }
    let git = Git::around(root)?;
    let mut trees = BTreeSet::new();
    if scope.all_branches {
        trees.extend(git.tips("refs/heads")?);
    }
    if scope.all_tags {
        trees.extend(git.tips("refs/tags")?);
    }
    for revision in &scope.revisions {
        let commit = git.commit(revision)?;
        trees.extend(git.ancestors(&commit, scope.ancestors.unwrap_or(1))?);
    }
    let mut files = BTreeSet::new();
    if scope.all_commits {
        files.extend(git.ever_committed(&NAMING)?);
    }
    for tree in &trees {
        files.extend(git.blobs(tree, names_digests)?);
    }
    for file in &files {
        needed.named_in(&git.blob(file)?);
    }
    Ok(needed)
}
