//! Keeps cached outs out of git, as DVC does: a line in the `.gitignore` of the folder an out lies in.
//!
//! Only in a git work tree, and only for outs that no `.gitignore` covers yet, so a project that ignores its outs by a
//! pattern of its own sees no new files.
//!
//! A `.gitignore` is content like any other: in a folder that is a dep, a new line is a change. So `repro` writes the lines
//! of all outs it may make before the first stage works, when nothing that holds them has been looked at for good.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hpipe_core::{Event, EventSink, ProjectPath, with_causes};
use hpipe_store::Store;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::Error;
use crate::workspace::{Workspace, read_text};

/// Adds `outs` where git does not ignore them yet, and says which of the files with our lines there are now.
pub(crate) fn ignore<'a>(
    workspace: &Workspace,
    outs: impl Iterator<Item = &'a ProjectPath>,
) -> Result<Vec<ProjectPath>, Error> {
    ignore_in(workspace.store(), outs)
}

fn ignore_in<'a>(
    store: &Store,
    outs: impl Iterator<Item = &'a ProjectPath>,
) -> Result<Vec<ProjectPath>, Error> {
    let folders = by_folder(outs);
    if folders.is_empty() || store.is_replica() {
        return Ok(Vec::new()); // nobody will ever commit what lies in a replica
    }
    let root = store.root();
    let Some(top) = root.ancestors().find(|folder| folder.join(".git").exists()) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    for (folder, outs) in folders {
        let on_disk = folder.on_disk(root);
        let rules = rules_above(top, &on_disk);
        let is_new = |out: &&&ProjectPath| !is_ignored(&rules, &out.on_disk(root));
        let names: Vec<_> = outs
            .iter()
            .filter(is_new)
            .map(|out| out.file_name())
            .collect();
        let file = folder.join(".gitignore");
        if !names.is_empty() {
            add_lines(store, &file, &names)?;
        }
        if file.on_disk(root).exists() {
            files.push(file);
        }
    }
    Ok(files)
}

/// Keeps files that no stage makes out of git, as if they were outs.
///
/// # Errors
/// [`Error::Store`] and [`Error::Read`] when a `.gitignore` cannot be written or read.
pub fn keep_out_of_git(store: &Store, paths: &[ProjectPath]) -> Result<(), Error> {
    ignore_in(store, paths.iter()).map(drop)
}

/// The outs of each folder; those outside the project are nothing to git.
fn by_folder<'a>(
    outs: impl Iterator<Item = &'a ProjectPath>,
) -> BTreeMap<ProjectPath, Vec<&'a ProjectPath>> {
    let mut folders: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for out in outs.filter(|out| !out.is_outside()) {
        if let Some(folder) = out.parent() {
            folders.entry(folder).or_default().push(out);
        }
    }
    folders
}

/// As [`ignore`]; a `.gitignore` that cannot be read or written is no reason to stop.
pub(crate) fn ignore_or_tell<'a>(
    workspace: &Workspace,
    outs: impl Iterator<Item = &'a ProjectPath>,
    sink: &dyn EventSink,
) -> Vec<ProjectPath> {
    ignore(workspace, outs).unwrap_or_else(|error| {
        let text = format!("failed to keep outs out of git: {}", with_causes(&error));
        sink.emit(&Event::Warning { text });
        Vec::new()
    })
}

/// The rules that hold in `folder`: its own first, then those of the folders above it, to the top of the work tree.
fn rules_above(top: &Path, folder: &Path) -> Vec<Gitignore> {
    let folders = folder.ancestors().take_while(|at| at.starts_with(top));
    folders.filter_map(matcher).collect()
}

/// Asks every `.gitignore`; the innermost answer counts.
fn is_ignored(rules: &[Gitignore], path: &Path) -> bool {
    let is_folder = path.is_dir();
    let answers = rules.iter().map(|rules| {
        let answer = rules.matched_path_or_any_parents(path, is_folder);
        (answer.is_ignore(), answer.is_none())
    });
    let mut spoken = answers.filter(|(_, is_silent)| !is_silent);
    spoken.next().is_some_and(|(ignored, _)| ignored)
}

fn matcher(folder: &Path) -> Option<Gitignore> {
    let file: PathBuf = folder.join(".gitignore");
    if !file.is_file() {
        return None;
    }
    let mut builder = GitignoreBuilder::new(folder);
    // A line git could not read either is skipped.
    let _ = builder.add(file);
    builder.build().ok()
}

fn add_lines(store: &Store, file: &ProjectPath, names: &[&str]) -> Result<(), Error> {
    let mut text = read_text(store.root(), file)?.unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for name in names {
        text.push('/');
        text.push_str(&escaped(name));
        text.push('\n');
    }
    store.create_parent(file)?;
    Ok(store.write_file(file, text.as_bytes())?)
}

/// A name as a pattern that matches only itself.
fn escaped(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for c in name.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | ' ') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_only_themselves() {
        assert_eq!(escaped("a.txt"), "a.txt");
        assert_eq!(escaped("a*[1].txt"), r"a\*\[1\].txt");
    }
}
