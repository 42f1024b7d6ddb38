//! What a project reads and no stage makes: the paths whose change wakes `watch`.

use std::cell::RefCell;
use std::collections::BTreeSet;

use hpipe_core::ProjectPath;
use hpipe_spec::Files;

use crate::discover;
use crate::location::Location;
use crate::path_range::around;
use crate::workspace::Workspace;

/// The files that say how the project is opened, whether or not they are there.
const SETTINGS: [&str; 2] = ["hpipe.toml", "hpipe.local.toml"];

/// The names of the files that say what does not count in a folder.
const RULES_FILES: [&str; 2] = [".dvcignore", ".hpipeignore"];

/// The paths whose change can make a stage stale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sources {
    /// Pipeline, vars and params files, and deps that neither are an out nor lie within one. A dep may lie around outs.
    pub(super) named: BTreeSet<ProjectPath>,
    /// Where files with ignore rules for source folders, and those with settings, lie or may come to lie.
    pub(super) rules: BTreeSet<ProjectPath>,
    /// Those of both that say what is to be done, not only with what.
    pub(super) defining: BTreeSet<ProjectPath>,
    /// Folders in which a pipeline file may come to lie that is not there yet.
    pub(super) searched: BTreeSet<ProjectPath>,
    /// What we write ourselves: within a named folder, this and all below it wakes nobody.
    pub(super) made: BTreeSet<ProjectPath>,
}

impl Sources {
    /// What `workspace` reads.
    pub(super) fn of(workspace: &Workspace) -> Self {
        let outs: BTreeSet<_> = workspace
            .graph()
            .outs()
            .map(|(path, _)| path.clone())
            .collect();
        let stages = &workspace.pipeline().stages;
        let deps = stages
            .iter()
            .flat_map(|stage| stage.deps.iter().map(|dep| &dep.path));
        let params = stages
            .iter()
            .flat_map(|stage| stage.params.iter().map(|param| &param.file));
        let read = workspace
            .pipeline()
            .read
            .iter()
            .chain(workspace.files().iter().map(|file| &file.path));
        let is_made = |path: &&ProjectPath| around(path).any(|folder| outs.contains(&folder));
        let mut defining: BTreeSet<_> = read.cloned().collect();
        let named: BTreeSet<_> = deps
            .chain(params)
            .filter(|path| !is_made(path))
            .chain(&defining)
            .cloned()
            .collect();
        let mut rules = rules_files(&named);
        rules.extend(SETTINGS.map(ProjectPath::new));
        defining.extend(rules.iter().cloned());
        let mut made = outs;
        made.extend([ProjectPath::new(".cache")]);
        made.extend(workspace.lock_files());
        let broken = workspace.files().iter().filter(|file| file.is_broken());
        let broken: Vec<_> = broken.map(|file| &file.path).collect();
        let searched = searched(workspace, &made);
        Self {
            named,
            rules,
            defining,
            searched,
            made,
        }
        .and_attempted(workspace.location(), &broken)
    }

    /// Whether what lies at `path` says, or would say, what is to be done.
    pub(super) fn defines(&self, path: &ProjectPath) -> bool {
        let name = path.file_name();
        self.defining.contains(path) || RULES_FILES.contains(&name) || discover::is_sought(name)
    }

    /// These, and what an attempt to read these pipeline files asks for: what is wrong or missing there may be mended.
    pub(super) fn and_attempted(mut self, location: &Location, files: &[&ProjectPath]) -> Self {
        let attempt = Attempt {
            location,
            asked: RefCell::default(),
        };
        for file in files {
            if let Ok(Some(text)) = attempt.read(file) {
                hpipe_spec::parse(file, &text, &attempt);
            }
        }
        self.named.extend(attempt.asked.into_inner());
        self
    }
}

/// The folders that are searched for pipeline files.
fn searched(workspace: &Workspace, made: &BTreeSet<ProjectPath>) -> BTreeSet<ProjectPath> {
    let made = made.iter().map(ProjectPath::as_str).collect();
    let folders = discover::folders(&workspace.location().root, &made);
    folders.into_iter().collect()
}

/// The files with ignore rules that concern `paths`: those in the folders around them, as far as the project reaches,
/// and those at its root, which concern outs too.
fn rules_files(paths: &BTreeSet<ProjectPath>) -> BTreeSet<ProjectPath> {
    let folders: BTreeSet<_> = paths
        .iter()
        .flat_map(|path| around(path).skip(1))
        .filter(|folder| !folder.is_outside())
        .chain([ProjectPath::root()])
        .collect();
    folders
        .iter()
        .flat_map(|folder| RULES_FILES.map(|name| folder.join(name)))
        .collect()
}

/// The project's files, and which of them were asked for.
struct Attempt<'a> {
    location: &'a Location,
    asked: RefCell<BTreeSet<ProjectPath>>,
}

impl Files for Attempt<'_> {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        self.asked.borrow_mut().insert(path.clone());
        Ok(std::fs::read_to_string(path.on_disk(&self.location.root)).ok())
    }
}
