//! What a folder held, by name: its nodes without its files.
//!
//! Of a folder that a stage reads the lock file names one digest. With the nodes behind it in the cache, somebody who asks
//! why that digest is another can be told which files are. They are a few bytes a file, and are needed as long as the
//! digest is named (`gc`); a folder whose files are not stored with them counts as missing all the same ([`Store::has`]).

use std::path::Path;

use hpipe_core::{Content, ContentKind, ProjectPath};

use crate::content::{Manner, Survey};
use crate::differences::Differences;
use crate::tree_reader::object_of;
use crate::{Error, Store};

/// How something in a folder differs from what was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// It was not there.
    Added,
    /// It has other bytes, or is another kind of thing.
    Changed,
    /// It is gone.
    Removed,
    /// Only its executable bit.
    Mode,
}

impl Store {
    /// Keeps the nodes of the folder `content` that lies at `path`, unless they are kept already.
    ///
    /// # Errors
    /// Those of [`content`](Self::content), and what writing into the cache fails with.
    pub fn keep_outline(&self, path: &ProjectPath, content: &Content) -> Result<(), Error> {
        if content.kind == ContentKind::Folder && !self.objects().has(object_of(content)) {
            Survey::new(self, Manner::Outlining).at(path)?;
        }
        Ok(())
    }

    /// How what lies at `path` differs from the folder `former`, sorted by path; none when that cannot be told: no node is
    /// kept, or it is no folder any more.
    ///
    /// # Errors
    /// Those of [`content`](Self::content).
    pub fn folder_differences(
        &self,
        path: &ProjectPath,
        former: &Content,
    ) -> Result<Option<Vec<(ProjectPath, Difference)>>, Error> {
        let on_disk = path.on_disk(self.root());
        if former.kind != ContentKind::Folder || !on_disk.is_dir() {
            return Ok(None);
        }
        let found = match Differences::find(self, former, &on_disk, path) {
            Err(Error::NotInCache { .. } | Error::InTheWay { .. }) => return Ok(None),
            found => found?,
        };
        let named = |place: &Path| {
            let below = place.strip_prefix(&on_disk).unwrap_or(place);
            path.join(&below.to_string_lossy())
        };
        let missing = found.missing.iter().map(|(_, place)| {
            let how = match place.symlink_metadata() {
                Ok(_) => Difference::Changed,
                Err(_) => Difference::Removed,
            };
            (named(place), how)
        });
        let extra = found
            .extra
            .iter()
            .map(|extra| (named(&extra.path), Difference::Added));
        let modes = found
            .executable
            .iter()
            .map(|(place, _)| (named(place), Difference::Mode));
        let mut differences: Vec<_> = missing.chain(extra).chain(modes).collect();
        differences.sort();
        Ok(Some(differences))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_changed_in_a_folder_is_told_by_name_once_its_nodes_are_kept() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), &root.path().join(".cache")).unwrap();
        let write = |name: &str, text: &str| {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in ["d/kept", "d/in/changed", "d/in/gone", "d/away/gone"] {
            write(name, "1");
        }
        let folder = ProjectPath::new("d");
        let former = store.content(&folder).unwrap().unwrap();
        let differences = || store.folder_differences(&folder, &former).unwrap();
        assert_eq!(differences(), None);

        store.keep_outline(&folder, &former).unwrap();
        assert_eq!(differences(), Some(Vec::new()));
        assert!(!store.has(&former), "its files are not stored");

        write("d/in/changed", "22");
        write("d/in/new", "3");
        fs::remove_file(root.path().join("d/in/gone")).unwrap();
        fs::remove_dir_all(root.path().join("d/away")).unwrap();
        let told = [
            ("d/away", Difference::Removed),
            ("d/in/changed", Difference::Changed),
            ("d/in/gone", Difference::Removed),
            ("d/in/new", Difference::Added),
        ];
        let told = told.map(|(path, how)| (ProjectPath::new(path), how));
        assert_eq!(differences(), Some(told.to_vec()));
    }
}
