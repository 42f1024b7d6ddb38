//! Notices files that were written while a stage executed, even if they hold the same bytes again afterwards.
//!
//! Comparing contents before and after cannot see an input that changed and changed back: the execution may have read
//! what was there in between. A file's inode, size and time of last write can. The time of the last change of its inode
//! (ctime) is left out, for making a hard link to an input changes it and the input not at all. Folders are compared by
//! content alone: their files are too many to ask one by one, and tools leave files of their own in them. Params files are
//! compared by the values a stage reads: people write the next experiment's params while this one executes.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hpipe_core::ProjectPath;
use hpipe_spec::StageSpec;

/// What the input files of a stage looked like at one moment.
#[derive(Debug)]
pub(crate) struct Witness(Vec<(ProjectPath, Option<Seen>)>);

/// Inode, size in bytes, and last write in seconds and nanoseconds.
type Seen = (u64, u64, i64, i64);

impl Witness {
    /// Looks at every dep of `stage` that is a file.
    pub(crate) fn look(stage: &StageSpec, root: &Path) -> Self {
        let deps = stage.deps.iter().map(|dep| &dep.path);
        Self(
            deps.map(|path| (path.clone(), seen(&path.on_disk(root))))
                .collect(),
        )
    }

    /// The files that were written since.
    pub(crate) fn written_since(&self, root: &Path) -> Vec<&ProjectPath> {
        let written = self
            .0
            .iter()
            .filter(|(path, before)| *before != seen(&path.on_disk(root)));
        written.map(|(path, _)| path).collect()
    }
}

fn seen(path: &Path) -> Option<Seen> {
    let found = std::fs::metadata(path).ok()?;
    found
        .is_file()
        .then(|| (found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}
