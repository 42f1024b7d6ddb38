//! Finds the pipeline files of a project, and the files that put data under its control.
//!
//! One walk over the whole tree that lists folders and asks nothing else of the disk (no stat: what a name is comes with
//! the listing), so that ten thousand files cost a few milliseconds. Not entered: links; what version control and hpipe
//! keep; folders that say of themselves that they are caches (`CACHEDIR.TAG`) or Python environments (`pyvenv.cfg`);
//! projects of their own (`BOUNDARIES`); outs; and what `.gitignore`, `.dvcignore` or `.hpipeignore` names, as in DVC.
//!
//! Knows names only: what the files say is for `joined` to read.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use hpipe_core::Digest;
use hpipe_core::ProjectPath;
use hpipe_store::{DATA_FILE_ENDING, DVC_FILE_ENDING, IgnoreRules, Names};

use crate::Error;
use crate::location::{BOUNDARIES, PIPELINE_FILES};

/// Folders that hold no pipeline of the project, whatever lies in them.
const CLOSED: [&str; 8] = [
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".dvc",
    ".cache",
    "__pycache__",
    "node_modules",
];

/// Files whose folder is no part of a project.
const TAGS: [&str; 2] = ["CACHEDIR.TAG", "pyvenv.cfg"];

/// What names of files that put data under control end in.
const TRACKING: [&str; 2] = [DVC_FILE_ENDING, DATA_FILE_ENDING];

/// How many folders deep the search goes.
const DEPTH_LIMIT: usize = 64;

/// What a project holds besides the root's own pipeline file, sorted by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Discovered {
    /// The pipeline files of sub-folders, one a folder.
    pub(crate) pipelines: Vec<ProjectPath>,
    /// Files named `*.dvc` and `*.hpipe`, which put data under control.
    pub(crate) tracking: Vec<ProjectPath>,
    /// The folders that were listed.
    pub(crate) searched: Vec<Searched>,
}

/// A folder that was listed, and what the search found out by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Searched {
    pub(crate) folder: ProjectPath,
    /// The digest of the names that matter; none when a link is among them.
    pub(crate) names: Option<Digest>,
    /// Its files with rules, each with the digest of its text if that was read; none when they changed meanwhile.
    pub(crate) rules: Option<Vec<(ProjectPath, Option<Digest>)>>,
}

/// Whether an entry of a folder matters to the search, by its name and whether it is a folder.
pub(crate) fn matters(name: &[u8], is_folder: bool) -> bool {
    let is = |known: &&str| known.as_bytes() == name;
    is_folder
        || TRACKING
            .iter()
            .any(|ending| name.ends_with(ending.as_bytes()))
        || PIPELINE_FILES.iter().any(is)
        || BOUNDARIES.iter().any(is)
        || TAGS.iter().any(is)
        || std::str::from_utf8(name).is_ok_and(IgnoreRules::in_search)
}

/// Searches the project at `root` below its folder `from`; folders among `outs` are not entered.
///
/// # Errors
/// When a file with ignore rules is faulty or cannot be read. A folder that cannot be listed holds nothing.
pub(crate) fn discover(
    root: &Path,
    from: &ProjectPath,
    outs: &HashSet<&str>,
) -> Result<Discovered, Error> {
    let mut search = Search {
        outs,
        found: Discovered::default(),
        entered: None,
    };
    let prefix = match from.as_str() {
        "." => String::new(),
        folder => format!("{folder}/"),
    };
    search.folder(&from.on_disk(root), &prefix, &IgnoreRules::default(), 0)?;
    search.found.pipelines.sort();
    search.found.tracking.sort();
    Ok(search.found)
}

/// The folders that [`discover`] enters, as far as rules can be read.
pub(crate) fn folders(root: &Path, outs: &HashSet<&str>) -> Vec<ProjectPath> {
    let mut search = Search {
        outs,
        found: Discovered::default(),
        entered: Some(Vec::new()),
    };
    // A faulty file is told by whoever opens the project.
    let _ = search.folder(root, "", &IgnoreRules::default(), 0);
    search.entered.unwrap_or_default()
}

/// Whether a file of this name can make a difference to what [`discover`] finds.
pub(crate) fn is_sought(name: &str) -> bool {
    PIPELINE_FILES.contains(&name) || TRACKING.iter().any(|ending| name.ends_with(ending))
}

/// Whether a search from `top` comes to `folder`, as far as names and ignore rules tell.
pub(crate) fn enters(top: &Path, folder: &Path) -> bool {
    let Ok(below) = folder.strip_prefix(top) else {
        return false;
    };
    let mut at = top.to_owned();
    let mut rules = IgnoreRules::default();
    for name in below {
        // A faulty file is told when the folder is searched; here it rules nothing out.
        if let Ok(own) = rules.for_search(&at) {
            rules = own;
        }
        at.push(name);
        let closed = CLOSED.iter().any(|closed| name == *closed);
        if closed || TAGS.iter().any(|tag| at.join(tag).exists()) || rules.ignores(&at, true) {
            return false;
        }
    }
    true
}

struct Search<'a> {
    outs: &'a HashSet<&'a str>,
    found: Discovered,
    /// The folders met, if somebody wants to know.
    entered: Option<Vec<ProjectPath>>,
}

/// What a folder lists, as far as it matters.
#[derive(Default)]
struct Listing {
    folders: Vec<OsString>,
    pipeline: Option<usize>,
    tracking: Vec<OsString>,
    rules: Vec<OsString>,
    is_closed: bool,
    names: Names,
}

impl Search<'_> {
    /// `prefix` is the folder as seen from the root, with a slash behind it.
    fn folder(
        &mut self,
        folder: &Path,
        prefix: &str,
        rules: &IgnoreRules,
        depth: usize,
    ) -> Result<(), Error> {
        let mut listing = list(folder);
        let names = listing.names.digest();
        let mut searched = Searched {
            folder: ProjectPath::new(prefix),
            names,
            rules: Some(Vec::new()),
        };
        if depth > 0 && listing.is_closed {
            self.found.searched.push(searched);
            return Ok(());
        }
        if let Some(entered) = &mut self.entered {
            entered.push(ProjectPath::new(prefix.trim_end_matches('/')));
        }
        let own = match listing.rules.is_empty() {
            true => None,
            false => {
                let before = listing.rule_texts(folder, prefix);
                let own = rules.for_search(folder)?;
                searched.rules = (listing.rule_texts(folder, prefix) == before).then_some(before);
                Some(own)
            }
        };
        self.found.searched.push(searched);
        let rules = own.as_ref().unwrap_or(rules);
        self.take(folder, prefix, &listing, rules, depth);
        if depth == DEPTH_LIMIT {
            return Ok(());
        }
        for name in listing.folders {
            let Some(path) = name.to_str().map(|name| format!("{prefix}{name}")) else {
                continue; // a path of the project is text
            };
            let on_disk = folder.join(&name);
            if !self.outs.contains(path.as_str()) && !rules.ignores(&on_disk, true) {
                self.folder(&on_disk, &format!("{path}/"), rules, depth + 1)?;
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        folder: &Path,
        prefix: &str,
        listing: &Listing,
        rules: &IgnoreRules,
        depth: usize,
    ) {
        let counts = |name: &str| !rules.ignores(&folder.join(name), false);
        if let Some(name) = listing.pipeline.map(|index| PIPELINE_FILES[index])
            && depth > 0
            && counts(name)
        {
            self.found
                .pipelines
                .push(ProjectPath::new(&format!("{prefix}{name}")));
        }
        let tracking = listing.tracking.iter().filter_map(|name| name.to_str());
        self.found.tracking.extend(
            tracking
                .filter(|name| counts(name))
                .map(|name| ProjectPath::new(&format!("{prefix}{name}"))),
        );
    }
}

fn list(folder: &Path) -> Listing {
    let mut listing = Listing::default();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let Ok(kind) = entry.file_type() else {
            continue;
        };
        let name = entry.file_name();
        if matters(name.as_bytes(), kind.is_dir()) {
            listing
                .names
                .add(name.as_bytes(), kind.is_dir(), kind.is_symlink());
        }
        if kind.is_dir() {
            listing.folder(name);
        } else {
            listing.file(name, || is_file(&entry.path()));
        }
    }
    listing
}

fn digest_of(bytes: &[u8]) -> Digest {
    Digest::blake3(*blake3::hash(bytes).as_bytes())
}

/// Follows links, which are rare: a pipeline file may be one.
fn is_file(path: &PathBuf) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file())
}

impl Listing {
    fn folder(&mut self, name: OsString) {
        self.is_closed |= BOUNDARIES.iter().any(|mark| name == *mark);
        if !CLOSED.iter().any(|closed| name == *closed) {
            self.folders.push(name);
        }
    }

    fn file(&mut self, name: OsString, exists: impl Fn() -> bool) {
        let Some(text) = name.to_str() else { return };
        if let Some(index) = PIPELINE_FILES.iter().position(|file| text == *file) {
            let better = self.pipeline.is_none_or(|known| index < known);
            if better && exists() {
                self.pipeline = Some(index);
            }
        } else if TRACKING.iter().any(|ending| text.ends_with(ending)) && exists() {
            self.tracking.push(name);
        } else {
            let marks = BOUNDARIES.iter().chain(&TAGS);
            self.is_closed |= marks.into_iter().any(|mark| text == *mark);
            if IgnoreRules::in_search(text) {
                self.rules.push(name);
            }
        }
    }

    /// The files with rules and the digests of their texts.
    fn rule_texts(&self, folder: &Path, prefix: &str) -> Vec<(ProjectPath, Option<Digest>)> {
        let text = |name: &OsString| {
            let path = ProjectPath::new(&format!("{prefix}{}", name.to_string_lossy()));
            let bytes = std::fs::read(folder.join(name)).ok();
            (path, bytes.map(|bytes| digest_of(&bytes)))
        };
        self.rules.iter().map(text).collect()
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use super::*;

    #[test]
    fn finds_what_belongs_to_the_project() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for (file, text) in [
            ("pipeline.yaml", ""),
            ("raw.csv.dvc", ""),
            ("a/dvc.yaml", ""),
            ("a/pipeline.yaml", ""),
            ("a/deep/dvc.yaml", ""),
            ("a/.gitignore", "/skipped\n*.tmp.dvc\n[z-a]\n"),
            ("a/skipped/dvc.yaml", ""),
            ("a/x.tmp.dvc", ""),
            ("a/y.dvc", ""),
            ("a/z.hpipe", ""),
            ("out/dvc.yaml", ""),
            ("own/.git/HEAD", ""),
            ("own/dvc.yaml", ""),
            ("target/CACHEDIR.TAG", ""),
            ("target/dvc.yaml", ""),
            (".cache/dvc.yaml", ""),
            (".hidden/dvc.yaml", ""),
        ] {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        std::os::unix::fs::symlink("a", root.join("link")).expect("a link");
        let found =
            discover(root, &ProjectPath::root(), &HashSet::from(["out"])).expect("a search");
        let texts = |paths: &[ProjectPath]| {
            let paths = paths.iter().map(ToString::to_string);
            paths.collect::<Vec<_>>()
        };
        assert_eq!(
            texts(&found.pipelines),
            [".hidden/dvc.yaml", "a/deep/dvc.yaml", "a/pipeline.yaml"]
        );
        assert_eq!(
            texts(&found.tracking),
            ["a/y.dvc", "a/z.hpipe", "raw.csv.dvc"]
        );
    }
}
