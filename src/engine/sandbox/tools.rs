//! Environments of tools that lie in the project: a Python venv, a conda environment.
//!
//! They hold interpreters and libraries, installed and not written by the project; what matters of them belongs under
//! `deps` as the file that pins their versions. So they can be read, as `/usr` can. What is an environment says a file
//! that its maker puts there; other tools are named in the settings (`sandbox.read`).

use std::path::{Path, PathBuf};

use crate::workspace::Environment;

/// What only an environment holds: of venv and uv, of conda and pixi.
const MARKS: [&str; 2] = ["pyvenv.cfg", "conda-meta"];

/// The environments below `root` that are active, or lie in the root or in the stage's working folder.
pub(super) fn environments(environment: &Environment, root: &Path, wdir: &Path) -> Vec<PathBuf> {
    let named = ["VIRTUAL_ENV", "CONDA_PREFIX"]
        .into_iter()
        .filter_map(|name| environment.get(name))
        .map(PathBuf::from);
    let programs = environment
        .get("PATH")
        .map(String::as_str)
        .unwrap_or_default();
    let on_path = programs
        .split(':')
        .filter_map(|folder| Path::new(folder).parent().map(Path::to_owned));
    let mut found: Vec<_> = named
        .chain(on_path)
        .chain(folders_in(root))
        .chain(folders_in(wdir))
        .filter(|folder| folder.starts_with(root) && folder != root && is_environment(folder))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn folders_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
}

fn is_environment(folder: &Path) -> bool {
    MARKS.iter().any(|mark| folder.join(mark).exists())
}
