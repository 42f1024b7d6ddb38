//! Keeps cached outs out of git, as DVC does: a line in the `.gitignore` of the folder an out lies in.
//!
//! Only in a git work tree, and only for outs that no `.gitignore` covers yet, so a project that ignores its outs by a
//! pattern of its own sees no new files.

use std::path::{Path, PathBuf};

use hpipe_core::{Event, EventSink, ProjectPath, with_causes};
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::Error;
use crate::workspace::Workspace;

/// Adds `outs` where git does not ignore them yet.
pub(crate) fn ignore<'a>(
    workspace: &Workspace,
    outs: impl Iterator<Item = &'a ProjectPath>,
) -> Result<(), Error> {
    if workspace.store().is_replica() {
        return Ok(()); // nobody will ever commit what lies there
    }
    let root = &workspace.location().root;
    let Some(top) = root.ancestors().find(|folder| folder.join(".git").exists()) else {
        return Ok(());
    };
    for out in outs.filter(|out| !out.is_outside()) {
        let Some(folder) = out.parent() else { continue };
        if !is_ignored(top, &out.on_disk(root)) {
            add_line(workspace, &folder.join(".gitignore"), out.file_name())?;
        }
    }
    Ok(())
}

/// As [`ignore`]; a `.gitignore` that cannot be read or written is no reason to stop.
pub(crate) fn ignore_or_tell<'a>(
    workspace: &Workspace,
    outs: impl Iterator<Item = &'a ProjectPath>,
    sink: &dyn EventSink,
) {
    if let Err(error) = ignore(workspace, outs) {
        let text = format!("failed to keep outs out of git: {}", with_causes(&error));
        sink.emit(&Event::Warning { text });
    }
}

/// Asks every `.gitignore` from the top of the work tree down to the path's folder; the innermost answer counts.
fn is_ignored(top: &Path, path: &Path) -> bool {
    let is_folder = path.is_dir();
    let folders = path
        .ancestors()
        .skip(1)
        .take_while(|folder| folder.starts_with(top));
    let answers = folders.filter_map(matcher).map(|rules| {
        let answer = rules.matched_path_or_any_parents(path, is_folder);
        (answer.is_ignore(), answer.is_none())
    });
    answers
        .into_iter()
        .find(|(_, silent)| !silent)
        .is_some_and(|(ignored, _)| ignored)
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

fn add_line(workspace: &Workspace, file: &ProjectPath, name: &str) -> Result<(), Error> {
    let mut text = workspace.read_text(file)?.unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push('/');
    text.push_str(&escaped(name));
    text.push('\n');
    Ok(workspace.store().write_file(file, text.as_bytes())?)
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
