//! What a replica needs of the project: which paths to copy, and which to link.
//!
//! Copied is what a fresh clone of the working tree would have, uncommitted changes and new files included: everything git
//! does not ignore; then what the pipeline names and no stage makes, ignored or not; and what the user asks for besides.
//! Not copied are outs (the cache has them), git's own folder, folders that say of themselves that they are caches
//! (`CACHEDIR.TAG`), and Python's virtual environments, which only work where they were made and so are linked.

use std::collections::BTreeSet;
use std::path::Path;

use hpipe_core::ProjectPath;
use hpipe_spec::StageSpec;
use ignore::WalkBuilder;

use crate::Error;
use crate::path_range::around;
use crate::plan::Plan;
use crate::workspace::Workspace;

/// The files that say what does not count in a folder.
const RULES_FILES: [&str; 2] = [".dvcignore", ".hpipeignore"];

/// The paths a replica needs.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Files and folders to copy, each folder before what it holds, which is listed as well.
    pub(super) copied: BTreeSet<ProjectPath>,
    /// Folders to link to.
    pub(super) linked: BTreeSet<ProjectPath>,
    /// Those of the copied outs that an execution leaves in place.
    pub(super) persistent: Vec<ProjectPath>,
}

impl Sources {
    /// What the planned stages of `workspace` need, and `also`.
    pub(super) fn of(
        workspace: &Workspace,
        plan: &Plan,
        also: &[ProjectPath],
    ) -> Result<Self, Error> {
        let stages: Vec<_> = plan
            .order
            .iter()
            .map(|index| workspace.stage(*index))
            .collect();
        let persistent = persistent(&stages);
        let mut walk = Walk::new(workspace, &stages);
        walk.unignored()?;
        let named = named(workspace, &stages);
        for path in named.iter().chain(also).chain(&persistent) {
            walk.everything_at(path)?;
        }
        let folders: BTreeSet<_> = stages.iter().map(|stage| stage.wdir.clone()).collect();
        for folder in folders.iter().chain([&ProjectPath::root()]) {
            walk.environments_in(folder);
        }
        let mut copied = walk.found;
        copied.extend(folders);
        copied.retain(|path| !around(path).any(|folder| walk.linked.contains(&folder)));
        Ok(Self {
            copied,
            linked: walk.linked,
            persistent,
        })
    }
}

/// Everything at and below these paths of the project.
pub(super) fn below(
    workspace: &Workspace,
    paths: &[ProjectPath],
) -> Result<BTreeSet<ProjectPath>, Error> {
    let mut walk = Walk::new(workspace, &[]);
    walk.made.clear();
    for path in paths {
        walk.everything_at(path)?;
    }
    Ok(walk.found)
}

fn persistent(stages: &[&StageSpec]) -> Vec<ProjectPath> {
    let outs = stages.iter().flat_map(|stage| &stage.outs);
    outs.filter(|out| out.persist)
        .map(|out| out.path.clone())
        .collect()
}

/// What the pipeline names and no stage executes to make.
fn named(workspace: &Workspace, stages: &[&StageSpec]) -> BTreeSet<ProjectPath> {
    let frozen = stages.iter().filter(|stage| stage.frozen);
    let taken = frozen.flat_map(|stage| stage.outs.iter().map(|out| &out.path));
    let deps = stages
        .iter()
        .flat_map(|stage| stage.deps.iter().map(|dep| &dep.path));
    let params = stages
        .iter()
        .flat_map(|stage| stage.params.iter().map(|param| &param.file));
    let read = workspace.pipeline().read.iter();
    let files = workspace.files().iter().map(|file| file.path.clone());
    let files: Vec<_> = files.chain(workspace.lock_files()).collect();
    let mut named: BTreeSet<_> = deps
        .chain(params)
        .chain(read)
        .chain(taken)
        .chain(&files)
        .filter(|path| !path.is_outside())
        .cloned()
        .collect();
    let folders: BTreeSet<_> = named.iter().flat_map(|path| around(path).skip(1)).collect();
    let rules = folders
        .iter()
        .flat_map(|folder| RULES_FILES.map(|name| folder.join(name)));
    named.extend(rules);
    named
}

/// Goes through the project.
struct Walk<'a> {
    workspace: &'a Workspace,
    /// Outs that the cache has.
    made: BTreeSet<ProjectPath>,
    found: BTreeSet<ProjectPath>,
    linked: BTreeSet<ProjectPath>,
}

impl<'a> Walk<'a> {
    fn new(workspace: &'a Workspace, stages: &[&StageSpec]) -> Self {
        let kept = |path: &ProjectPath| {
            let mut outs = stages.iter().flat_map(|stage| {
                let stays = stage.frozen;
                stage.outs.iter().filter(move |out| stays || out.persist)
            });
            outs.any(|out| out.path == *path)
        };
        let outs = workspace.graph().outs().map(|(path, _)| path);
        Self {
            workspace,
            made: outs.filter(|path| !kept(path)).cloned().collect(),
            found: BTreeSet::new(),
            linked: BTreeSet::new(),
        }
    }

    /// Finds what git does not ignore; without a git repository, what no `.gitignore` names.
    fn unignored(&mut self) -> Result<(), Error> {
        let mut builder = WalkBuilder::new(self.root());
        builder
            .standard_filters(false)
            .parents(true)
            .git_ignore(true)
            .git_global(true)
            .git_exclude(true)
            .require_git(false);
        self.go(&builder)
    }

    /// Finds a path the pipeline names and all below it.
    fn everything_at(&mut self, path: &ProjectPath) -> Result<(), Error> {
        let on_disk = path.on_disk(self.root());
        if on_disk.symlink_metadata().is_err() || self.is_made(path) {
            return Ok(());
        }
        let mut builder = WalkBuilder::new(on_disk);
        builder.standard_filters(false);
        self.go(&builder)
    }

    fn go(&mut self, builder: &WalkBuilder) -> Result<(), Error> {
        let root = self.root().to_owned();
        let cache = root.join(crate::workspace::CACHE);
        let mut builder = builder.clone();
        let (at, made) = (root.clone(), self.made.clone());
        builder.filter_entry(move |entry| {
            let path = entry.path();
            let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
            let is_made = || relative(path, &at).is_some_and(|path| made.contains(&path));
            path != cache
                && entry.file_name() != ".git"
                && !is_made()
                && !(is_folder && entry.depth() > 0 && is_elsewhere_of_use(path))
        });
        let mut leads_to = Vec::new();
        for entry in builder.build() {
            let entry = entry.map_err(|error| unreadable(&root, error))?;
            if entry.path_is_symlink() {
                let end = entry.path().canonicalize().ok();
                leads_to.extend(end.and_then(|end| relative(&end, &root)));
            }
            self.found.extend(relative(entry.path(), &root));
        }
        for path in leads_to {
            if !self.found.contains(&path) {
                self.everything_at(&path)?;
            }
        }
        Ok(())
    }

    /// Finds the virtual environments among the folders of a folder, ignored ones too.
    fn environments_in(&mut self, folder: &ProjectPath) {
        let on_disk = folder.on_disk(self.root());
        let entries = std::fs::read_dir(on_disk).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| is_environment(&entry.path())) {
            self.linked
                .insert(folder.join(&entry.file_name().to_string_lossy()));
        }
    }

    /// Whether a path is an out that the cache has, or lies within one.
    fn is_made(&self, path: &ProjectPath) -> bool {
        around(path).any(|folder| self.made.contains(&folder))
    }

    fn root(&self) -> &Path {
        self.workspace.store().root()
    }
}

/// A path of the project; none for one that is no text, which a pipeline cannot name either.
fn relative(path: &Path, root: &Path) -> Option<ProjectPath> {
    let relative = path.strip_prefix(root).ok()?.to_str()?;
    Some(match relative {
        "" => ProjectPath::root(),
        relative => ProjectPath::new(relative),
    })
}

fn is_elsewhere_of_use(folder: &Path) -> bool {
    is_environment(folder) || folder.join("CACHEDIR.TAG").is_file()
}

fn is_environment(folder: &Path) -> bool {
    folder.join("pyvenv.cfg").is_file()
}

fn unreadable(root: &Path, error: ignore::Error) -> Error {
    Error::Read {
        path: root.to_owned(),
        source: error
            .into_io_error()
            .unwrap_or_else(|| std::io::ErrorKind::Other.into()),
    }
}
