//! Gives every path of a pipeline the one spelling it has on disk.
//!
//! A path may be written absolute though it lies in the project, or lead through a linked folder. Two spellings of one
//! path must be one node of the graph, else an out has two makers and a dep none. Only the folder a path lies in is
//! resolved: the path itself may be a link, and is then what is made or removed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use hpipe_core::ProjectPath;
use hpipe_spec::Pipeline;

/// Rewrites the deps, outs, params files and working folders of `pipeline`, the project being at `root` (canonical); says
/// which folders it asked for where they lead.
pub(crate) fn resolve(pipeline: &mut Pipeline, root: &Path) -> Vec<ProjectPath> {
    let mut folders = Folders {
        root,
        known: HashMap::new(),
    };
    for stage in &mut pipeline.stages {
        let deps = stage.deps.iter_mut().map(|dep| &mut dep.path);
        let outs = stage.outs.iter_mut().map(|out| &mut out.path);
        let params = stage.params.iter_mut().map(|param| &mut param.file);
        for path in deps.chain(outs).chain(params).chain([&mut stage.wdir]) {
            if let Some(resolved) = folders.resolve(path) {
                *path = resolved;
            }
        }
    }
    for path in shown(pipeline) {
        if let Some(resolved) = folders.resolve(path) {
            *path = resolved;
        }
    }
    folders.known.into_keys().collect()
}

/// The files that are declared to be shown.
fn shown(pipeline: &mut Pipeline) -> impl Iterator<Item = &mut ProjectPath> {
    let outs = pipeline.stages.iter_mut().flat_map(|stage| &mut stage.outs);
    let made = outs.flat_map(|out| &mut out.plots);
    let plots = pipeline.plots.iter_mut().chain(made);
    let drawn = plots
        .flat_map(|plot| &mut plot.y)
        .map(|drawn| &mut drawn.file);
    let metrics = pipeline.metrics.iter_mut().map(|(path, _)| path);
    drawn.chain(metrics)
}

/// The folders met so far, each asked from the disk once.
struct Folders<'a> {
    root: &'a Path,
    known: HashMap<ProjectPath, Option<ProjectPath>>,
}

impl Folders<'_> {
    /// The spelling of `path` on disk, if it is another.
    fn resolve(&mut self, path: &ProjectPath) -> Option<ProjectPath> {
        if path.is_outside() && path.as_str().starts_with("..") {
            // What stays outside keeps its spelling: an absolute one would differ from machine to machine.
            let seen = relative(&lexical(&path.on_disk(self.root)), self.root)?;
            return Some(seen).filter(|seen| !seen.as_str().starts_with('/') && seen != path);
        }
        if path.as_str().starts_with('/') && self.root.starts_with(path.as_str()) {
            return relative(Path::new(path.as_str()), self.root);
        }
        let folder = path.parent()?;
        let resolved = self.folder(&folder)?;
        Some(resolved.join(path.file_name())).filter(|resolved| resolved != path)
    }

    /// Where a folder really is, if that is not where it is said to be.
    fn folder(&mut self, folder: &ProjectPath) -> Option<ProjectPath> {
        if folder.as_str() == "." {
            return None;
        }
        if let Some(known) = self.known.get(folder) {
            return known.clone();
        }
        let said = folder.on_disk(self.root);
        let resolved = match said.canonicalize() {
            Ok(real) if real.starts_with(self.root) => {
                relative(&real, self.root).filter(|real| real != folder)
            }
            Ok(real) if real == said => None,
            Ok(real) => real.to_str().map(ProjectPath::new),
            // What does not exist yet is made where its own folder really is.
            Err(_) => {
                let parent = folder.parent().and_then(|parent| self.folder(&parent));
                parent.map(|parent| parent.join(folder.file_name()))
            }
        };
        self.known.insert(folder.clone(), resolved.clone());
        resolved
    }
}

/// `path` as seen from the root: below it, above it, or absolute if it is neither.
fn relative(path: &Path, root: &Path) -> Option<ProjectPath> {
    match (path.strip_prefix(root), root.strip_prefix(path)) {
        (Ok(below), _) => below.to_str().map(ProjectPath::new),
        (_, Ok(down)) => Some(ProjectPath::new(&"../".repeat(down.components().count()))),
        _ => path.to_str().map(ProjectPath::new),
    }
}

/// Takes out `..` without asking the disk; `root` is canonical, so nothing in it is a link.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_each_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its path");
        std::fs::create_dir_all(root.join("real/deep")).expect("a folder");
        std::os::unix::fs::symlink("real", root.join("link")).expect("a link");
        let absolute = root.join("real/x").to_str().expect("a text").to_owned();
        let depth = root.components().count() - 1;
        let above = vec![".."; depth].join("/");
        let own_name = format!(
            "../{}/a",
            root.file_name().expect("a name").to_string_lossy()
        );
        for (written, meant) in [
            ("real/x", "real/x"),
            ("link/x", "real/x"),
            ("link/deep/x", "real/deep/x"),
            ("link/new/x", "real/new/x"),
            ("link", "link"),
            (root.to_str().expect("a text"), "."),
            (root.parent().and_then(Path::to_str).expect("a text"), ".."),
            ("/", &above),
            ("../elsewhere", "../elsewhere"),
            (&absolute, "real/x"),
            (&own_name, "a"),
        ] {
            let mut folders = Folders {
                root: &root,
                known: HashMap::new(),
            };
            let path = ProjectPath::new(written);
            let resolved = folders.resolve(&path).unwrap_or(path);
            assert_eq!(resolved.as_str(), meant, "{written}");
        }
        let outside = Folders {
            root: &root,
            known: HashMap::new(),
        }
        .resolve(&ProjectPath::new("/usr/x"));
        assert_eq!(outside, None);
    }
}
