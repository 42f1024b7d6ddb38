//! Where a project lies: its root, its first pipeline file, and the folder the user is in.
//!
//! The root is the **topmost** folder with a pipeline file, a `.dvc` folder or an `hpipe.toml` among the folder the user is
//! in and those above it, but not beyond the nearest that is a repository (`.git`), a DVC project (`.dvc`) or has settings
//! (`hpipe.toml`): from every folder of a project the same root is found, so all its pipeline files are one graph. A
//! folder that the root's own search would not enter (ignored, of another owner) is a project of its own. Which other
//! files belong to the graph is told by `discover`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use hpipe_core::{Code, Diagnostic, ProjectPath, Sources};

use crate::Error;
use crate::discover;

/// The names a pipeline file may have, the preferred one first.
pub(crate) const PIPELINE_FILES: [&str; 2] = ["pipeline.yaml", "dvc.yaml"];

/// The lock file of the one that counts in a folder.
pub(crate) const PIPELINE_LOCK: &str = "pipeline.lock";

/// What makes a folder a project of its own, whatever lies above.
pub(crate) const BOUNDARIES: [&str; 3] = [".git", ".dvc", "hpipe.toml"];

/// Those of them that are a root even where no pipeline file lies beside.
const MARKS: [&str; 2] = [".dvc", "hpipe.toml"];

/// Where a project lies.
#[derive(Debug, Clone)]
pub struct Location {
    /// The project's root: paths are relative to it, and `.cache` lies there.
    pub root: PathBuf,
    /// The pipeline file of the root; in a project whose pipeline files all lie in sub-folders it need not exist.
    pub file: ProjectPath,
    /// The folder the user is in, relative to the root.
    pub folder: ProjectPath,
    /// Whether the user named the file.
    pub is_named: bool,
}

impl Location {
    /// Finds the project around `start`; with `file`, the one around that file.
    ///
    /// A file that the project's search would find means the project as seen from that file's folder, so that there is one
    /// cache and one set of names and keys, however a stage is asked for. One of another name is the root of a graph of
    /// its own, over it and the files below it.
    ///
    /// # Errors
    /// [`Error::Invalid`] with [`Code::NoPipeline`] when there is none; [`Error::Locate`] when `start` is no folder.
    pub fn find(start: &Path, file: Option<&Path>) -> Result<Self, Error> {
        let start = start.canonicalize().map_err(|source| Error::Locate {
            path: start.to_owned(),
            source,
        })?;
        if let Some(file) = file {
            return Self::at(&start, &start.join(file));
        }
        match root_around(&start) {
            Some(root) => Ok(Self::within(root, &start)),
            None => Err(Error::invalid(
                vec![no_pipeline(&start)],
                &Sources::default(),
            )),
        }
    }

    /// Where a path lies that the user wrote, relative to the folder he is in.
    pub fn on_disk(&self, path: &Path) -> PathBuf {
        self.folder.on_disk(&self.root).join(path)
    }

    /// The folder the root's pipeline file lies in: that of the root, but for a file that the user named.
    pub(crate) fn folder_of_file(&self) -> ProjectPath {
        self.file.parent().unwrap_or_else(ProjectPath::root)
    }

    /// A target as seen from the folder that the user is in, if it is written as an absolute path into the project.
    pub(crate) fn as_target(&self, target: &str) -> String {
        let below = Path::new(target).strip_prefix(&self.root).ok();
        let Some(below) = below.and_then(Path::to_str) else {
            return target.to_owned();
        };
        let folder = self.folder.on_disk(&self.root);
        match folder.strip_prefix(&self.root) {
            Ok(deep) => format!("{}{below}", "../".repeat(deep.components().count())),
            Err(_) => target.to_owned(),
        }
    }

    /// The lock file of the root's pipeline file.
    pub(crate) fn lock_file(&self) -> ProjectPath {
        lock_of(&self.file, |other| other.on_disk(&self.root).is_file())
    }

    /// The project at `root`, seen from `folder`.
    fn within(root: PathBuf, folder: &Path) -> Self {
        Self {
            folder: ProjectPath::new(&relative(folder, &root)),
            file: ProjectPath::new(file_in(&root).unwrap_or(PIPELINE_FILES[0])),
            root,
            is_named: false,
        }
    }

    fn at(start: &Path, file: &Path) -> Result<Self, Error> {
        let absent = || Error::invalid(vec![absent_pipeline(file)], &Sources::default());
        let file = file.canonicalize().map_err(|_| absent())?;
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return Err(absent());
        };
        let root = root_around(folder).unwrap_or_else(|| folder.to_owned());
        if root != folder && file_in(folder).is_some_and(|usual| name == usual) {
            return Ok(Self::within(root, folder));
        }
        Ok(Self {
            folder: ProjectPath::new(&relative(start, &root)),
            file: ProjectPath::new(&relative(&file, &root)),
            root,
            is_named: true,
        })
    }
}

/// The lock file of a pipeline file, beside it: `pipeline.lock` for the file that counts in its folder, `ci.lock` for
/// `ci.yaml`. No two files have the same, and none has that of DVC. `is_there` says whether another file is.
pub(crate) fn lock_of(file: &ProjectPath, is_there: impl Fn(&ProjectPath) -> bool) -> ProjectPath {
    let folder = file.parent().unwrap_or_else(ProjectPath::root);
    let name = file.file_name();
    let counts = |name: &str| {
        let mut before = PIPELINE_FILES.iter().take_while(|usual| **usual != name);
        !before.any(|usual| is_there(&folder.join(usual)))
    };
    match name.strip_suffix(".yaml") {
        Some(_) if PIPELINE_FILES.contains(&name) && counts(name) => folder.join(PIPELINE_LOCK),
        Some(stem) if !PIPELINE_FILES.contains(&name) => folder.join(&format!("{stem}.lock")),
        _ => folder.join(&format!("{name}.lock")),
    }
}

/// The folder whose project `start` belongs to.
fn root_around(start: &Path) -> Option<PathBuf> {
    let mut candidates: Vec<&Path> = Vec::new();
    for folder in start.ancestors() {
        if file_in(folder).is_some() || MARKS.iter().any(|mark| folder.join(mark).exists()) {
            candidates.push(folder);
        }
        if !candidates.is_empty() && BOUNDARIES.iter().any(|mark| folder.join(mark).exists()) {
            break;
        }
    }
    let nearest = *candidates.first()?;
    let above = candidates.into_iter().rev();
    let mut holding = above.filter(|top| *top == nearest || belongs(nearest, top));
    holding.next().map(Path::to_owned)
}

/// Whether a project at `top` takes in `folder`. Not if somebody else owns it: commands of a pipeline file that another
/// user left in a shared folder above ours are not ours to execute.
fn belongs(folder: &Path, top: &Path) -> bool {
    let owner = |path: &Path| path.metadata().map(|found| found.uid()).ok();
    owner(folder) == owner(top) && discover::enters(top, folder)
}

/// The name of the pipeline file in `folder`.
fn file_in(folder: &Path) -> Option<&'static str> {
    PIPELINE_FILES
        .into_iter()
        .find(|name| folder.join(name).is_file())
}

/// `path` as seen from `root`, which is the same folder, above it or below it.
fn relative(path: &Path, root: &Path) -> String {
    match (path.strip_prefix(root), root.strip_prefix(path)) {
        (Ok(below), _) => below.to_string_lossy().into_owned(),
        (_, Ok(down)) => "../".repeat(down.components().count()),
        _ => path.to_string_lossy().into_owned(),
    }
}

/// The fault that there is no pipeline file to be found from `start`.
pub(crate) fn no_pipeline(start: &Path) -> Diagnostic {
    let message = format!(
        "no pipeline.yaml in {} or a folder above it",
        start.display()
    );
    let fault = Diagnostic::error(Code::NoPipeline, message);
    match file_below(start) {
        None => fault.help("`hpipe init` makes one"),
        Some(file) => fault.help(format!(
            "`{file}` is one: work in its folder, or make this one the project's root with an `hpipe.toml`, which may be empty"
        )),
    }
}

/// The first pipeline file in the folders of a folder.
fn file_below(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| {
        let file = file_in(&entry.path())?;
        Some(format!("{}/{file}", entry.file_name().to_str()?))
    });
    files.min()
}

/// The fault that the pipeline file the user named is not there.
pub(crate) fn absent_pipeline(file: &Path) -> Diagnostic {
    Diagnostic::error(
        Code::NoPipeline,
        format!("the pipeline file {} does not exist", file.display()),
    )
    .help("name an existing file after `-f`, or leave `-f` out")
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use super::*;

    /// Makes files (a name that ends in `/` is a folder) and says which root is found from `start`.
    fn root_of(files: &[&str], start: &str) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("its path");
        for file in files {
            let path = top.join(file);
            match file.strip_suffix('/') {
                Some(_) => std::fs::create_dir_all(&path).expect("a folder"),
                None => {
                    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                    std::fs::write(
                        &path,
                        if file.contains("ignore") {
                            "/lib/\n"
                        } else {
                            ""
                        },
                    )
                    .expect("a file");
                }
            }
        }
        std::fs::create_dir_all(top.join(start)).expect("a folder");
        let found = Location::find(&top.join(start), None).ok()?;
        Some(relative(&found.root, &top))
    }

    #[test]
    fn the_topmost_file_within_one_repository_is_the_root() {
        for (files, start, root) in [
            (&["pipeline.yaml"][..], "", Some("")),
            (&["pipeline.yaml"], "a/b", Some("")),
            (&["pipeline.yaml", "a/pipeline.yaml"], "a/b", Some("")),
            (&["a/dvc.yaml", "a/b/c/pipeline.yaml"], "a/b/c", Some("a")),
            (&["pipeline.yaml", "a/.git/", "a/dvc.yaml"], "a", Some("a")),
            (&["pipeline.yaml", "a/.git/"], "a/b", Some("")),
            (&[".dvc/", "a/dvc.yaml", "b/dvc.yaml"], "b", Some("")),
            (&["pipeline.yaml", "a/hpipe.toml"], "a/b", Some("a")),
            (
                &[".git/", "a/pipeline.yaml", "b/pipeline.yaml"],
                "a",
                Some("a"),
            ),
            (
                &["pipeline.yaml", ".dvcignore", "lib/dvc.yaml"],
                "lib/x",
                Some("lib"),
            ),
            (
                &["pipeline.yaml", "env/pyvenv.cfg", "env/dvc.yaml"],
                "env",
                Some("env"),
            ),
        ] {
            assert_eq!(
                root_of(files, start).as_deref(),
                root,
                "{files:?} from {start}"
            );
        }
    }

    #[test]
    fn lock_files_lie_beside_and_are_not_shared() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("both")).expect("a folder");
        std::fs::write(folder.path().join("both/pipeline.yaml"), "").expect("a file");
        for (file, lock) in [
            ("pipeline.yaml", "pipeline.lock"),
            ("a/dvc.yaml", "a/pipeline.lock"),
            ("both/pipeline.yaml", "both/pipeline.lock"),
            ("both/dvc.yaml", "both/dvc.yaml.lock"),
            ("ci.yaml", "ci.lock"),
            ("ci.yml", "ci.yml.lock"),
            ("pipeline.yml", "pipeline.yml.lock"),
            ("dvc.yml", "dvc.yml.lock"),
        ] {
            let found = lock_of(&ProjectPath::new(file), |other| {
                other.on_disk(folder.path()).is_file()
            });
            assert_eq!(found.as_str(), lock);
        }
    }

    #[test]
    fn a_named_file_belongs_to_the_project_around_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let top = folder.path().canonicalize().expect("its path");
        std::fs::create_dir(top.join("sub")).expect("a folder");
        for file in [
            "pipeline.yaml",
            "sub/pipeline.yaml",
            "sub/dvc.yaml",
            "sub/ci.yaml",
        ] {
            std::fs::write(top.join(file), "").expect("a file");
        }
        for (named, file, seen_from) in [
            ("pipeline.yaml", "pipeline.yaml", ""),
            ("sub/pipeline.yaml", "pipeline.yaml", "sub"),
            ("sub/dvc.yaml", "sub/dvc.yaml", ""),
            ("sub/ci.yaml", "sub/ci.yaml", ""),
        ] {
            let found = Location::find(&top, Some(Path::new(named))).expect("a project");
            assert_eq!(
                (found.root, found.file.as_str()),
                (top.clone(), file),
                "{named}"
            );
            assert_eq!(found.folder, ProjectPath::new(seen_from), "{named}");
        }
    }
}
