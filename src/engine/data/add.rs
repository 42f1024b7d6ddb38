//! `hpipe add`: which paths can be put under control, and putting them there.
//!
//! Everything is looked at before anything is stored, so that a refusal leaves nothing half done. Refused is what git
//! shall keep itself (pipeline files, data files, ignore rules), what is no plain file or folder, and what would have two
//! data files, for then nobody could say which one is right.

use std::fs::{self, FileType};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use hpipe_core::{Code, Diagnostic, Event, EventSink, ProjectPath, Sources};
use hpipe_store::{DATA_FILE_ENDING, DVC_FILE_ENDING, IgnoreRules};

use super::Tracked;
use crate::Error;
use crate::gitignore;
use crate::location::{BOUNDARIES, PIPELINE_FILES};
use crate::workspace::Workspace;

/// The settings of one checkout, which lie beside those in git.
const LOCAL_SETTINGS: &str = "hpipe.local.toml";

/// Stores what lies at `paths` and writes a data file beside each.
///
/// # Errors
/// [`Error::Invalid`], before anything is stored, with every path that cannot be added; [`Error::Store`].
pub fn add(
    workspace: &Workspace,
    paths: &[ProjectPath],
    sink: &dyn EventSink,
) -> Result<Vec<Tracked>, Error> {
    let faults = faults(workspace, paths);
    if !faults.is_empty() {
        return Err(Error::invalid(faults, &Sources::default()));
    }
    let mut added = Vec::with_capacity(paths.len());
    for path in paths {
        if let Some(content) = workspace.store().track(path)? {
            let path = path.clone();
            added.push(Tracked { path, content });
        }
    }
    let lines = added.iter().map(|one| &one.path);
    gitignore::ignore_or_tell(workspace, lines, sink);
    for one in &added {
        tell_readers(workspace, &one.path, sink);
    }
    workspace.store().flush();
    Ok(added)
}

/// Data that was not under control before has files of ours beside it now: content of the folder they lie in, as in DVC.
fn tell_readers(workspace: &Workspace, path: &ProjectPath, sink: &dyn EventSink) {
    if workspace.tracked_paths().any(|known| known == *path) {
        return;
    }
    let reads = |dep: &&hpipe_spec::Dep| *path != dep.path && path.is_within(&dep.path);
    for stage in &workspace.pipeline().stages {
        if let Some(dep) = stage.deps.iter().find(reads) {
            sink.emit(&Event::StageNote {
                stage: stage.name.clone(),
                text: format!(
                    "it reads {}, where {path}{DATA_FILE_ENDING} lies now, so it is stale",
                    dep.path
                ),
            });
        }
    }
}

fn faults(workspace: &Workspace, paths: &[ProjectPath]) -> Vec<Diagnostic> {
    let known: Vec<_> = workspace.tracked_paths().collect();
    let fault = |(place, path): (usize, &ProjectPath)| {
        let others = known.iter().chain(&paths[..place]);
        outside(path)
            .or_else(|| of_git(workspace, path))
            .or_else(|| no_content(workspace, path))
            .or_else(|| made(workspace, path))
            .or_else(|| overlapping(path, others))
    };
    paths.iter().enumerate().filter_map(fault).collect()
}

fn refusal(code: Code, path: &ProjectPath, why: &str, help: impl Into<String>) -> Diagnostic {
    Diagnostic::error(code, format!("`{path}` cannot be added: {why}")).help(help)
}

fn outside(path: &ProjectPath) -> Option<Diagnostic> {
    path.is_outside().then(|| {
        let message = format!("`{path}` lies outside the project");
        Diagnostic::error(Code::OutsideProject, message).help("copy it into the project first")
    })
}

/// What hpipe and git need where it is.
fn of_git(workspace: &Workspace, path: &ProjectPath) -> Option<Diagnostic> {
    let refuse = |why: &str, help: &str| Some(refusal(Code::PipelineInOut, path, why, help));
    let name = path.file_name();
    let git = ProjectPath::new(".git");
    let on_disk = path.on_disk(&workspace.location().root);
    let cache = workspace.store().cache_folder();
    if path.as_str() == "." {
        return refuse(
            "it is the project itself",
            "name the files and folders of it that are data",
        );
    }
    if path.is_within(&git) {
        return refuse("it is git's own", "name data of the project");
    }
    if on_disk.starts_with(cache) || cache.starts_with(&on_disk) {
        return refuse(
            "it is the cache folder, holds it, or lies in it",
            "name data of the project",
        );
    }
    let is_rules = IgnoreRules::in_search(name);
    let is_data_file = [DATA_FILE_ENDING, DVC_FILE_ENDING]
        .iter()
        .any(|ending| name.ends_with(ending));
    let is_own = PIPELINE_FILES.contains(&name) || BOUNDARIES.contains(&name);
    if is_rules || is_data_file || is_own || name == LOCAL_SETTINGS {
        return refuse("it is for git to keep, not for the cache", "`git add` it");
    }
    let files = workspace.files().iter();
    let mut needed = files.flat_map(|file| [file.path.clone(), file.lock_file()]);
    let held = needed.find(|needed| {
        needed.is_within(path) && needed.on_disk(&workspace.location().root).exists()
    })?;
    match held == *path {
        true => refuse("it is for git to keep, not for the cache", "`git add` it"),
        false => refuse(
            &format!("it holds `{held}`, which is for git to keep"),
            "name the data in it",
        ),
    }
}

/// What is there, if it is no file or folder that can be stored.
fn no_content(workspace: &Workspace, path: &ProjectPath) -> Option<Diagnostic> {
    let root = &workspace.location().root;
    let on_disk = path.on_disk(root);
    let refuse = |why: &str, help: String| Some(refusal(Code::MissingDep, path, why, help));
    let Ok(found) = fs::symlink_metadata(&on_disk) else {
        let help = "name a file or folder of the project".to_owned();
        return refuse("there is no such file or folder", help);
    };
    if found.is_symlink() {
        return match on_disk.exists() {
            false => refuse(
                "it is a link that leads nowhere",
                "mend the link, and put a copy of what it leads to in its place".to_owned(),
            ),
            true => refuse(
                "it is a link, which the cache would replace by what it leads to",
                "put a copy in its place, or name it in a stage's `deps` as it is".to_owned(),
            ),
        };
    }
    if let Some(link) = link_above(&on_disk, root) {
        let link = link.strip_prefix(root).unwrap_or(link).display();
        let why = format!("it lies behind the link `{link}`");
        return refuse(&why, "name it where it really lies".to_owned());
    }
    let kind = odd_kind(found.file_type())?;
    refuse(
        &format!("it is a {kind}, which has no content to store"),
        "name a file, or a folder of files".to_owned(),
    )
}

/// The first link on the way from the root to a path.
fn link_above<'a>(path: &'a Path, root: &Path) -> Option<&'a Path> {
    let above = path.ancestors().skip(1);
    let above = above.take_while(|folder| folder.starts_with(root) && *folder != root);
    above.filter(|folder| folder.is_symlink()).last()
}

fn odd_kind(kind: FileType) -> Option<&'static str> {
    match () {
        () if kind.is_fifo() => Some("named pipe"),
        () if kind.is_socket() => Some("socket"),
        () if kind.is_block_device() || kind.is_char_device() => Some("device"),
        () => None,
    }
}

fn made(workspace: &Workspace, path: &ProjectPath) -> Option<Diagnostic> {
    let maker = workspace.graph().makers(path).next()?;
    let stage = &workspace.stage(maker).name;
    Some(refusal(
        Code::DuplicateOut,
        path,
        &format!("stage `{stage}` makes it, or something in it"),
        format!(
            "outs are stored when their stage runs; `hpipe commit {stage}` stores them as they are"
        ),
    ))
}

/// What is under control already, around the path or inside it.
fn overlapping<'a>(
    path: &ProjectPath,
    mut others: impl Iterator<Item = &'a ProjectPath>,
) -> Option<Diagnostic> {
    let other = others.find(|other| *other != path && super::touches(path, other))?;
    let (why, help) = match path.is_within(other) {
        true => (
            format!("it lies in `{other}`, which is under control"),
            format!("`hpipe add {other}` stores it with the rest"),
        ),
        false => (
            format!("`{other}` in it is under control of its own"),
            format!("remove the data file beside `{other}`, or add what is left one by one"),
        ),
    };
    Some(refusal(Code::OverlappingOuts, path, &why, help))
}
