//! The last guard before something is replaced or removed: never the project, its cache or its git repository.
//!
//! `spec` and the engine refuse such outs long before, with a place in the pipeline. But they compare paths as written,
//! and a symbolic link above an out can lead anywhere; here paths are compared as the system resolves them.

use std::borrow::Cow;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use hpipe_core::ProjectPath;

use crate::walk;
use crate::{Error, Store};

impl Store {
    /// Makes sure that nothing vital goes with what lies at `path`; says what does lie there, links not followed.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or [`Error::Read`] when the path cannot be resolved.
    pub(crate) fn refuse_vital(&self, path: &ProjectPath) -> Result<io::Result<Metadata>, Error> {
        let on_disk = path.on_disk(self.root());
        let place = resolve(&on_disk).map_err(Error::read(&on_disk))?;
        let stands = fs::symlink_metadata(&on_disk);
        let is_link = stands.as_ref().is_ok_and(Metadata::is_symlink);
        match self.why_vital(&place, &on_disk, is_link) {
            None => Ok(stands),
            Some(reason) => Err(Error::Forbidden {
                path: on_disk,
                reason,
            }),
        }
    }

    fn why_vital(&self, place: &Path, on_disk: &Path, is_link: bool) -> Option<&'static str> {
        if self.root().starts_with(place) {
            return Some("it is the project's root, or holds it");
        }
        let known = self.vital();
        for cache in known.caches.iter().flatten() {
            if cache.starts_with(place) {
                return Some("it is the cache folder, or holds it");
            }
            // A replica lies in the cache folder itself.
            let is_own = self.is_replica() && place.starts_with(self.root());
            if place.starts_with(cache) && !is_own {
                return Some("it lies in the cache folder");
            }
        }
        if self.is_replica() && !place.starts_with(self.root()) {
            return Some("it lies outside of the copy of the project");
        }
        let leads_to_cache = || {
            let target = on_disk.canonicalize();
            target.is_ok_and(|target| self.cache.is_at(&target))
        };
        if is_link && leads_to_cache() {
            return Some("it leads to the cache folder");
        }
        let mut git = known.git.iter();
        git.any(|git| place.starts_with(git))
            .then_some("it is the project's git repository, or lies in it")
    }

    /// Where the vital folders really lie. Looked for until the cache folders exist, and then believed: a command may
    /// replace thousands of files, and nobody moves its cache meanwhile.
    fn vital(&self) -> Cow<'_, Vital> {
        if let Some(known) = self.vital.get() {
            return Cow::Borrowed(known);
        }
        let found = Vital::of(self);
        match self.cache.path().exists() && self.cache.own_path().exists() {
            true => Cow::Borrowed(self.vital.get_or_init(|| found)),
            false => Cow::Owned(found),
        }
    }
}

/// What must stay where it is, under all its names.
#[derive(Debug, Clone)]
pub(crate) struct Vital {
    /// The cache folders as written and as resolved.
    caches: [Option<PathBuf>; 4],
    /// The git repository as written and as resolved.
    git: Vec<PathBuf>,
}

impl Vital {
    fn of(store: &Store) -> Self {
        let (shared, own) = (store.cache.path(), store.cache.own_path());
        let git = store.root().join(".git");
        let linked_git = git.is_symlink().then(|| git.canonicalize().ok()).flatten();
        Self {
            caches: [
                Some(shared.to_path_buf()),
                Some(own.to_path_buf()),
                resolve(shared).ok(),
                resolve(own).ok(),
            ],
            git: std::iter::once(git).chain(linked_git).collect(),
        }
    }
}

/// The path with all links above its last name followed, as far as there is anything.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let (Some(mut above), Some(name)) = (path.parent(), path.file_name()) else {
        return path.canonicalize(); // `/`, or it ends with `..`
    };
    if leads_through_no_link(above) {
        return Ok(path.to_path_buf());
    }
    let mut below = PathBuf::from(name);
    loop {
        match above.canonicalize() {
            Err(error) if walk::is_absence(&error) => {}
            resolved => return Ok(resolved?.join(below)),
        }
        let (Some(parent), Some(name)) = (above.parent(), above.file_name()) else {
            return Ok(path.to_path_buf());
        };
        below = Path::new(name).join(below);
        above = parent;
    }
}

/// Whether the system says, in one question instead of one a folder, that the path is as it stands.
#[cfg(target_os = "linux")]
fn leads_through_no_link(folder: &Path) -> bool {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    let is_plain =
        folder.is_absolute() && !folder.components().any(|part| part == Component::ParentDir);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    is_plain && openat2(CWD, folder, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn leads_through_no_link(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_the_project_is_vital_however_it_is_written() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Path::new(".cache")).unwrap();
        for vital in ["/", "/tmp/..", "..", "../../..", ".", "a/..", ".cache"] {
            let refusal = store.refuse_vital(&ProjectPath::new(vital));
            let refused = matches!(refusal, Err(Error::Forbidden { .. }));
            assert!(refused, "{vital}: {refusal:?}");
        }
        for harmless in [
            "out",
            "new/folder/out",
            "../beside",
            ".cached",
            ".gitignore",
        ] {
            let _ = store.refuse_vital(&ProjectPath::new(harmless)).unwrap();
        }
    }
}
