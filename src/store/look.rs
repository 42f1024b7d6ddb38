//! What files looked like at one moment, to find out later which of them were written since.
//!
//! Comparing contents cannot see a file that changed and changed back. Its inode, size and time of last write can. The time
//! of the last change of its inode (ctime) is left out: making a hard link changes it, and `chmod +x` on a script that is
//! about to be executed, and the bytes not at all. So what is written and then given its old time again passes unseen, and
//! so does a file that comes and goes in a folder: tools put files of their own there for a moment.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use hpipe_core::{ContentKind, ProjectPath};
use rayon::prelude::*;

use crate::ignore_rules::IgnoreRules;
use crate::walk::{self, Trail};
use crate::{Error, Store};

/// Fewer files are looked at where one is: waking threads costs more than fifty looks.
const MANY: usize = 128;

/// What the files at one path looked like.
#[derive(Debug, Default)]
pub struct Look(Vec<(PathBuf, Option<Seen>)>);

/// Inode, size in bytes, and last write in seconds and nanoseconds.
type Seen = (u64, u64, i64, i64);

impl Store {
    /// Looks at the file at `path`, or at every file that counts in the folder there, links followed.
    ///
    /// # Errors
    /// Those of listing folders.
    pub fn look(&self, path: &ProjectPath) -> Result<Look, Error> {
        let on_disk = path.on_disk(self.root());
        let mut files = Vec::new();
        match walk::look(&on_disk)? {
            Some((ContentKind::Folder, _)) => {
                let above = IgnoreRules::above(self.root(), &on_disk)?;
                self.files_in(&on_disk, &above, None, &mut files)?;
            }
            _ => files.push(on_disk),
        }
        let look = |path: PathBuf| {
            let seen = seen(&path);
            (path, seen)
        };
        if files.len() < MANY {
            return Ok(Look(files.into_iter().map(look).collect()));
        }
        Ok(Look(Self::in_parallel(|| {
            let files = files.into_par_iter().with_min_len(MANY / 2);
            files.map(look).collect()
        })))
    }

    fn files_in(
        &self,
        folder: &Path,
        above: &IgnoreRules,
        outer: Option<&Trail<'_>>,
        files: &mut Vec<PathBuf>,
    ) -> Result<(), Error> {
        let trail = Trail::enter(folder, outer)?;
        let listing = walk::list(folder, above, &self.cache)?;
        for found in listing.found {
            match found.kind {
                ContentKind::File => files.push(found.path),
                ContentKind::Folder => {
                    self.files_in(&found.path, &listing.rules, Some(&trail), files)?;
                }
            }
        }
        Ok(())
    }
}

impl Look {
    /// The first of the files that was written, replaced or removed since.
    pub fn written_since(&self) -> Option<&Path> {
        let is_other = |(path, before): &&(PathBuf, Option<Seen>)| *before != seen(path);
        let found = if self.0.len() < MANY {
            self.0.iter().find(is_other)
        } else {
            Store::in_parallel(|| {
                let files = self.0.par_iter().with_min_len(MANY / 2);
                files.find_first(is_other)
            })
        };
        found.map(|(path, _)| path.as_path())
    }
}

fn seen(path: &Path) -> Option<Seen> {
    let found = fs::metadata(path).ok()?;
    found
        .is_file()
        .then(|| (found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}
