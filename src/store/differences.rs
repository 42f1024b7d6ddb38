//! Finds what must change in a folder of the workspace for it to hold what it should.
//!
//! Compares by content, sub-folder by sub-folder, so that whatever is right already stays untouched. A symbolic link
//! counts as right when what it leads to has the wanted content; else the link is replaced, and what it led to is left
//! alone. Does not change anything itself: see `restore`.

use std::path::{Path, PathBuf};

use hpipe_core::{Content, ContentKind, ProjectPath};

use crate::content::{Manner, Survey, join_key};
use crate::ignore_rules::IgnoreRules;
use crate::tree::Entry;
use crate::tree_reader;
use crate::walk::{self, Found, Trail};
use crate::{Error, Store};

/// What must change in a folder.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// Contents that are to replace whatever is at these paths.
    pub(crate) missing: Vec<(Content, PathBuf)>,
    /// Paths to remove.
    pub(crate) extra: Vec<PathBuf>,
    /// Files whose bytes are right and whose executable bit is to become this.
    pub(crate) executable: Vec<(PathBuf, bool)>,
}

/// A folder of the workspace on the way down.
struct Place<'a> {
    path: &'a Path,
    /// Its path as the stat cache spells it.
    key: &'a [u8],
    /// The rules that hold in it, its own not included.
    above: &'a IgnoreRules,
    outer: Option<&'a Trail<'a>>,
}

impl Differences {
    /// Compares the folder that is at `path` (`on_disk`) with the folder `wanted`.
    ///
    /// # Errors
    /// [`Error::NotInCache`] when a node of `wanted` is missing; those of [`Store::content`] for what is there.
    pub(crate) fn find(
        store: &Store,
        wanted: &Content,
        on_disk: &Path,
        path: &ProjectPath,
    ) -> Result<Self, Error> {
        let above = IgnoreRules::above(store.root(), on_disk)?;
        let mut differences = Self::default();
        let place = Place {
            path: on_disk,
            key: path.as_str().as_bytes(),
            above: &above,
            outer: None,
        };
        differences.compare(store, wanted, &place)?;
        Ok(differences)
    }

    fn compare(&mut self, store: &Store, wanted: &Content, place: &Place<'_>) -> Result<(), Error> {
        let trail = Trail::enter(place.path, place.outer)?;
        let entries =
            tree_reader::entries(store.objects(), wanted)?.ok_or_else(|| Error::NotInCache {
                path: place.path.to_path_buf(),
                digest: wanted.digest,
            })?;
        let (found, rules) = walk::list(place.path, place.above, store.cache.path())?;
        let mut found = found.into_iter().peekable();
        for entry in entries {
            while let Some(extra) = found.next_if(|found| found.name < entry.name) {
                self.extra.push(extra.path);
            }
            let path = walk::entry_path(place.path, &entry.name);
            let key = join_key(place.key, &entry.name);
            let place = Place {
                path: &path,
                key: &key,
                above: &rules,
                outer: Some(&trail),
            };
            match found.next_if(|found| found.name == entry.name) {
                None => self.missing.push((entry.content, path)),
                Some(there) => self.compare_entry(store, &entry, &there, &place)?,
            }
        }
        self.extra.extend(found.map(|extra| extra.path));
        Ok(())
    }

    fn compare_entry(
        &mut self,
        store: &Store,
        entry: &Entry,
        there: &Found,
        place: &Place<'_>,
    ) -> Result<(), Error> {
        let both_folders = [there.kind, entry.content.kind] == [ContentKind::Folder; 2];
        if both_folders && !there.is_link {
            return self.compare(store, &entry.content, place);
        }
        let survey = Survey::new(store, Manner::Trusting);
        let content = survey.found(there, place.key, place.above, place.outer)?;
        let wanted = entry.content;
        match content.filter(|content| content.same_bytes(&wanted)) {
            None => self.missing.push((wanted, place.path.to_path_buf())),
            Some(right) if right.executable != wanted.executable => {
                let path = place.path.to_path_buf();
                self.executable.push((path, wanted.executable));
            }
            Some(_) => {}
        }
        Ok(())
    }
}
