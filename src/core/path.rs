//! Paths of deps and outs as the pipeline means them.

use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The path of a dep, out or params file, relative to the project root.
///
/// Normalised lexically on construction (`./a//b/../c` is `a/c`), so that two spellings of one path are equal; separated
/// by `/`. A path that leads out of the project keeps its leading `..` or stays absolute, see
/// [`is_outside`](Self::is_outside). The root itself is `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProjectPath(Arc<str>);

impl ProjectPath {
    /// The project root.
    pub fn root() -> Self {
        Self(".".into())
    }

    /// Normalises `text`, a path relative to the project root (or absolute).
    pub fn new(text: &str) -> Self {
        if is_plain(text) {
            return Self(text.into());
        }
        let absolute = text.starts_with('/');
        let mut parts: Vec<&str> = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.last().is_some_and(|last| *last != "..") => {
                    parts.pop();
                }
                ".." if absolute => {}
                _ => parts.push(part),
            }
        }
        let joined = parts.join("/");
        Self(match (absolute, joined.is_empty()) {
            (true, _) => format!("/{joined}").into(),
            (false, true) => ".".into(),
            (false, false) => joined.into(),
        })
    }

    /// The path `text`, written relative to this folder (or absolute).
    pub fn join(&self, text: &str) -> Self {
        if text.starts_with('/') || self.as_str() == "." {
            Self::new(text)
        } else {
            Self::new(&format!("{self}/{text}"))
        }
    }

    /// The folder that holds this path; none for the root and for `/`.
    pub fn parent(&self) -> Option<Self> {
        match self.0.rsplit_once('/') {
            Some(("", "")) => None,
            Some(("", _)) => Some(Self("/".into())),
            Some((parent, _)) => Some(Self(parent.into())),
            None if self.as_str() == "." => None,
            None => Some(Self::root()),
        }
    }

    /// Whether the path leads out of the project.
    pub fn is_outside(&self) -> bool {
        self.0.starts_with('/') || self.as_str() == ".." || self.0.starts_with("../")
    }

    /// Whether `self` is `folder` or lies somewhere below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.as_str() == "." && !self.is_outside()
            || self.0.strip_prefix(folder.as_str()).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || folder.as_str() == "/"
            })
    }

    /// The path on disk, given where the project root lies.
    pub fn on_disk(&self, root: &Path) -> PathBuf {
        if self.as_str() == "." {
            root.to_path_buf()
        } else {
            root.join(self.as_str())
        }
    }

    /// The last component: `ridge.json` for `models/ridge.json`.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ProjectPath {
    /// The project root.
    fn default() -> Self {
        Self::root()
    }
}

impl Borrow<str> for ProjectPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ProjectPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// Whether nothing is to be normalised: names parted by one `/` each, and nothing else.
fn is_plain(text: &str) -> bool {
    text.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_path_are_equal() {
        for (written, meant) in [
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            ("a/../b", "b"),
            ("a/..", "."),
            ("../x", "../x"),
            ("a/../../x", "../x"),
            ("../../x", "../../x"),
            ("/a/../b", "/b"),
            ("/..", "/"),
            ("", "."),
        ] {
            assert_eq!(ProjectPath::new(written).as_str(), meant, "{written}");
        }
    }

    #[test]
    fn joins_relative_to_a_folder() {
        let folder = ProjectPath::new("sub");
        assert_eq!(folder.join("x").as_str(), "sub/x");
        assert_eq!(folder.join("../x").as_str(), "x");
        assert_eq!(folder.join("/x").as_str(), "/x");
        assert_eq!(ProjectPath::root().join("x").as_str(), "x");
    }

    #[test]
    fn knows_what_lies_within_and_outside() {
        let data = ProjectPath::new("data");
        assert!(ProjectPath::new("data/raw").is_within(&data));
        assert!(data.is_within(&data));
        assert!(!ProjectPath::new("database").is_within(&data));
        assert!(data.is_within(&ProjectPath::root()));
        assert!(!ProjectPath::new("../x").is_within(&ProjectPath::root()));
        assert!(ProjectPath::new("/a").is_within(&ProjectPath::new("/")));
        assert!(ProjectPath::new("../x").is_outside() && ProjectPath::new("/x").is_outside());
        assert!(!ProjectPath::new("..x").is_outside());
    }

    #[test]
    fn knows_its_parent() {
        let parent = |text| ProjectPath::new(text).parent().map(|p| p.to_string());
        assert_eq!(parent("a/b").as_deref(), Some("a"));
        assert_eq!(parent("a").as_deref(), Some("."));
        assert_eq!(parent("."), None);
        assert_eq!(parent("/a").as_deref(), Some("/"));
        assert_eq!(parent("/"), None);
    }
}
