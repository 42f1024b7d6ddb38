//! Where the kernel must watch for sources to be seen changing, and which source an event speaks of.
//!
//! The kernel tells what happens to the entries of a folder. For each source that is every folder with a step of the way
//! to it: a replaced file is a new entry of its folder, a link that is set anew an entry of the link's, and where a link
//! leads, the same again. A source folder is watched with all folders below it, links followed as they are when its
//! content is read, but not into what we make ourselves. Folders go by their real path, for the kernel knows no other;
//! what is told of them is turned back into the names the pipeline uses.
//!
//! Each folder in which a pipeline file may come to lie is watched, too, for that alone.
//!
//! A folder is watched first and looked at then, so that what comes in between is told. New folders of sources are not
//! added: their coming is an event, and after each event everything is arranged anew. Other new folders are, for their
//! coming is no change, but what comes into them may be one.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use hpipe_core::ProjectPath;
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::sources::Sources;
use crate::Error;
use crate::discover;

/// Links after which the kernel, too, believes in a circle.
const MOST_LINKS: usize = 40;

/// How the names of the store's temporary files beside an out begin.
const TEMPORARY_PREFIX: &str = ".hpipe-tmp-";

/// The folders watched, and what each is watched for.
pub(super) struct Lookout {
    kernel: RecommendedWatcher,
    root: PathBuf,
    folders: HashMap<PathBuf, Folder>,
    /// Where that really lies what we write ourselves.
    made: HashSet<PathBuf>,
    /// A folder vanished before it could be watched, so something changed that nobody will tell.
    pub(super) has_missed: bool,
}

/// What the changes in a folder mean.
#[derive(Default)]
struct Folder {
    /// It is, under these names, part of a source folder: all that it holds counts.
    whole: BTreeSet<ProjectPath>,
    /// The entries that lead to sources.
    entries: HashMap<OsString, BTreeSet<ProjectPath>>,
    /// It is searched for pipeline files, under this name.
    searched: Option<ProjectPath>,
}

impl Lookout {
    /// Has `kernel` watch what `sources` need.
    ///
    /// # Errors
    /// [`Error::Watch`] for a folder that cannot be watched though it exists.
    pub(super) fn new(
        kernel: RecommendedWatcher,
        root: &Path,
        sources: &Sources,
    ) -> Result<Self, Error> {
        let made = sources.made.iter().map(|path| settle(&path.on_disk(root)));
        let mut lookout = Self {
            kernel,
            root: root.to_owned(),
            folders: HashMap::new(),
            made: made.collect(),
            has_missed: false,
        };
        for path in &sources.named {
            let real = lookout.trace(root.to_owned(), Path::new(path.as_str()), path)?;
            if let Some(folder) = real.filter(|real| real.is_dir()) {
                lookout.walk(folder, path.clone())?;
            }
        }
        for path in &sources.rules {
            // The way to the folder is watched for the source it holds; while it does not exist, it holds no rules.
            let folder = path.parent().unwrap_or_else(ProjectPath::root);
            if let Ok(folder) = folder.on_disk(root).canonicalize() {
                lookout.trace(folder, Path::new(path.file_name()), path)?;
            }
        }
        for path in &sources.searched {
            lookout.search(&path.on_disk(root), path);
        }
        Ok(lookout)
    }

    /// Watches a folder for pipeline files that come. One the kernel cannot watch, for there are too many, is no reason to
    /// watch nothing.
    fn search(&mut self, folder: &Path, named: &ProjectPath) {
        let real = folder.canonicalize().ok();
        let watched = real.and_then(|real| self.folder(&real).ok().flatten());
        if let Some(folder) = watched {
            folder.searched = Some(named.clone());
        }
    }

    /// Adds what came into a searched folder: a file that is sought, or a folder with whatever it holds by now.
    fn arrived(&mut self, path: &Path, named: &ProjectPath, changed: &mut BTreeSet<ProjectPath>) {
        let Some(name) = path.file_name().and_then(OsStr::to_str) else {
            return;
        };
        let named = named.join(name);
        if discover::is_sought(name) {
            changed.insert(named);
            return;
        }
        let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        let is_new = is_folder && !self.folders.contains_key(path) && !self.made.contains(path);
        if is_new && discover::enters(&self.root, path) {
            self.search(path, &named);
            for entry in fs::read_dir(path).into_iter().flatten().flatten() {
                self.arrived(&entry.path(), &named, changed);
            }
        }
    }

    /// Adds the sources that an event at `path` speaks of.
    pub(super) fn tell(&mut self, path: &Path, changed: &mut BTreeSet<ProjectPath>) {
        // The folder itself was moved or removed.
        if let Some(folder) = self.folders.get(path) {
            changed.extend(folder.entries.values().flatten().cloned());
            changed.extend(folder.whole.iter().cloned());
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return;
        };
        let Some(folder) = self.folders.get(parent) else {
            return;
        };
        changed.extend(folder.entries.get(name).into_iter().flatten().cloned());
        if self.counts(path, name) {
            let name = name.to_string_lossy();
            changed.extend(folder.whole.iter().map(|named| named.join(&name)));
        }
        if let Some(named) = folder.searched.clone() {
            self.arrived(path, &named, changed);
        }
    }

    /// Whether an entry of a source folder is part of the source.
    fn counts(&self, path: &Path, name: &OsStr) -> bool {
        let is_temporary = name
            .as_encoded_bytes()
            .starts_with(TEMPORARY_PREFIX.as_bytes());
        !is_temporary && name != ".git" && !self.made.contains(path)
    }

    /// Watches each step of the way from the real folder `at` along `way`, where something else may come to lie; says
    /// where it leads.
    fn trace(
        &mut self,
        mut at: PathBuf,
        way: &Path,
        source: &ProjectPath,
    ) -> Result<Option<PathBuf>, Error> {
        let mut steps = backwards(way);
        let mut links = 0;
        while let Some(step) = steps.pop() {
            if step == "/" || step == ".." {
                at = match step == "/" {
                    true => PathBuf::from("/"),
                    false => at.parent().unwrap_or(&at).to_owned(),
                };
                continue;
            }
            let next = at.join(&step);
            // Above the project, a folder that is no link is thought to stay: else we would listen to all of `/tmp`.
            let may_change =
                || fs::symlink_metadata(&next).map_or(true, |found| found.is_symlink());
            if (steps.is_empty() || at.starts_with(&self.root) || may_change())
                && let Some(folder) = self.folder(&at)?
            {
                let sources = folder.entries.entry(step).or_default();
                sources.insert(source.clone());
            }
            match fs::symlink_metadata(&next) {
                Ok(found) if found.is_symlink() && links < MOST_LINKS => {
                    links += 1;
                    let Ok(target) = fs::read_link(&next) else {
                        return Ok(None);
                    };
                    steps.extend(backwards(&target));
                }
                Ok(found) if !found.is_symlink() => at = next,
                _ => return Ok(None),
            }
        }
        Ok(Some(at))
    }

    /// Watches a source folder with all below it.
    fn walk(&mut self, folder: PathBuf, source: ProjectPath) -> Result<(), Error> {
        let mut met = HashSet::new();
        let mut ahead = vec![(folder, source)];
        while let Some((folder, named)) = ahead.pop() {
            if self.made.contains(&folder) || !met.insert(folder.clone()) {
                continue;
            }
            if let Some(watched) = self.folder(&folder)? {
                watched.whole.insert(named.clone());
            }
            // What cannot be listed is reported by whoever needs its content.
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, name) = (entry.path(), entry.file_name());
                if !self.counts(&path, &name) {
                    continue;
                }
                let inner = named.join(&name.to_string_lossy());
                let below = match entry.file_type() {
                    Ok(kind) if kind.is_dir() => Some(path),
                    Ok(kind) if kind.is_symlink() => self
                        .trace(folder.clone(), Path::new(&name), &inner)?
                        .filter(|real| real.is_dir()),
                    _ => None,
                };
                ahead.extend(below.map(|folder| (folder, inner)));
            }
        }
        Ok(())
    }

    /// The folder really at `path`, watched from now on; none when it has vanished.
    fn folder(&mut self, path: &Path) -> Result<Option<&mut Folder>, Error> {
        if !self.folders.contains_key(path) {
            match self.kernel.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(error) if is_absence(&error) => {
                    self.has_missed = true;
                    return Ok(None);
                }
                Err(source) => {
                    let path = path.to_owned();
                    return Err(Error::Watch { path, source });
                }
            }
        }
        Ok(Some(self.folders.entry(path.to_owned()).or_default()))
    }
}

/// The steps of a way, the last one first.
fn backwards(way: &Path) -> Vec<OsString> {
    let steps = way.components().rev();
    steps
        .filter(|step| *step != Component::CurDir)
        .map(|step| step.as_os_str().to_owned())
        .collect()
}

/// The path with the part of it that exists made real, but for its last step.
fn settle(path: &Path) -> PathBuf {
    path.ancestors()
        .skip(1)
        .find_map(|folder| {
            let rest = path.strip_prefix(folder).ok()?;
            Some(folder.canonicalize().ok()?.join(rest))
        })
        .unwrap_or_else(|| path.to_owned())
}

fn is_absence(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
        _ => false,
    }
}
