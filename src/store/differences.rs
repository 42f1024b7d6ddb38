//! Finds what must change in a folder of the workspace for it to hold what it should.
//!
//! Compares by content, sub-folder by sub-folder, so that whatever is right already stays untouched. A symbolic link
//! counts as right when what it leads to has the wanted content; else the link is replaced, and what it led to is left
//! alone. What does not count (see `walk`) is neither extra nor replaced: it was never stored. Does not change anything
//! itself: see `restore`.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hpipe_core::{Content, ContentKind, ProjectPath};

use crate::content::{Manner, Survey, join_key};
use crate::ignore_rules::IgnoreRules;
use crate::tree::Entry;
use crate::tree_reader;
use crate::walk::{self, Found, Odd, Trail};
use crate::{Error, Store};

/// What must change in a folder.
#[derive(Debug, Default)]
pub(crate) struct Differences {
    /// Contents that are to replace whatever is at these paths.
    pub(crate) missing: Vec<(Content, PathBuf)>,
    /// What is to go, as far as it counts.
    pub(crate) extra: Vec<Extra>,
    /// Files whose bytes are right and whose executable bit is to become this.
    pub(crate) executable: Vec<(PathBuf, bool)>,
}

/// Something that should not be there.
#[derive(Debug)]
pub(crate) struct Extra {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// For a folder, no link to one: the rules that hold in it, its own not included.
    pub(crate) folder: Option<IgnoreRules>,
}

impl Extra {
    fn new(found: Found, rules: &IgnoreRules) -> Self {
        Self {
            folder: found.is_folder().then(|| rules.clone()),
            path: found.path,
        }
    }
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
    /// [`Error::NotInCache`] when a node of `wanted` is missing; [`Error::InTheWay`]; those of [`Store::content`] for files
    /// that are there.
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
        let listing = walk::list(place.path, place.above, &store.cache)?;
        let (rules, left_out) = (listing.rules, listing.left_out);
        let mut found = listing.found.into_iter().peekable();
        // What has no content is right nowhere: where something is wanted, that will replace it.
        let is_wanted = |odd: &Odd| {
            entries
                .binary_search_by(|entry| entry.name.cmp(&odd.name))
                .is_ok()
        };
        let unwanted = listing.odd.into_iter().filter(|odd| !is_wanted(odd));
        self.extra.extend(unwanted.map(|odd| Extra {
            path: odd.path,
            folder: None,
        }));
        for entry in entries {
            while let Some(extra) = found.next_if(|found| found.name < entry.name) {
                self.extra.push(Extra::new(extra, &rules));
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
                // The user's own, hidden by a rule since the folder was stored.
                None if left_out.binary_search(&path).is_ok() => {}
                None => self.missing.push((entry.content, path)),
                Some(there) => self.compare_entry(store, &entry, &there, &place)?,
            }
        }
        self.extra
            .extend(found.map(|extra| Extra::new(extra, &rules)));
        Ok(())
    }

    fn compare_entry(
        &mut self,
        store: &Store,
        entry: &Entry,
        there: &Found,
        place: &Place<'_>,
    ) -> Result<(), Error> {
        let wanted = entry.content;
        if there.is_folder() {
            if wanted.kind == ContentKind::Folder {
                return self.compare(store, &wanted, place);
            }
            refuse_to_bury(place.path, place.above, store)?;
        }
        let right = match there.kind == wanted.kind {
            true => right_bytes(store, &wanted, there, place)?,
            false => None,
        };
        match right {
            None => self.missing.push((wanted, place.path.to_path_buf())),
            Some(right) if right.executable == wanted.executable => {}
            // Of a link, it would be changed somewhere else; set on a second name of an object, in the cache.
            Some(_) if there.is_link || wanted.executable && has_other_names(place.path) => {
                self.missing.push((wanted, place.path.to_path_buf()));
            }
            Some(_) => {
                let path = place.path.to_path_buf();
                self.executable.push((path, wanted.executable));
            }
        }
        Ok(())
    }
}

/// What is there, if it has the wanted bytes.
fn right_bytes(
    store: &Store,
    wanted: &Content,
    there: &Found,
    place: &Place<'_>,
) -> Result<Option<Content>, Error> {
    let survey = Survey::new(store, Manner::Trusting);
    match survey.found(there, place.key, place.above, place.outer) {
        Ok(content) => Ok(content.filter(|content| has_same_bytes(content, wanted))),
        // The link leads to a folder in which something has no content: it is replaced.
        Err(Error::DanglingLink { .. } | Error::LinkCycle { .. })
        | Err(Error::NotContent { .. } | Error::TooDeep { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether both are the same, but perhaps for the executable bit.
pub(crate) fn has_same_bytes(one: &Content, other: &Content) -> bool {
    one.kind == other.kind && one.digest == other.digest
}

/// Whether the file at `path` has other names too, like one restored as a hard link.
pub(crate) fn has_other_names(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.nlink() > 1)
}

/// Makes sure that a file which replaces the folder at `path` replaces nothing that was never stored.
///
/// # Errors
/// [`Error::InTheWay`].
pub(crate) fn refuse_to_bury(path: &Path, above: &IgnoreRules, store: &Store) -> Result<(), Error> {
    match walk::first_left_out(path, above, &store.cache)? {
        None => Ok(()),
        Some(held) => Err(Error::InTheWay {
            path: path.to_path_buf(),
            held,
        }),
    }
}
