//! Which entries of a folder are no part of its content: `.hpipeignore` and `.dvcignore`, in gitignore's syntax.
//!
//! As with git, a file applies to the folder it lies in and all below, a deeper file wins over a higher one, and a later
//! line over an earlier one. The rules apply to what folders hold, for deps and outs alike; a path that the pipeline
//! names itself is never ignored.

use std::path::Path;
use std::sync::Arc;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::Error;

/// The files that hold patterns; the later one wins over the earlier.
pub(crate) const RULES_FILES: [&str; 2] = [".dvcignore", ".hpipeignore"];

/// Those that say where pipeline files are not looked for: what git does not keep is no part of the project either.
const SEARCH_FILES: [&str; 3] = [".gitignore", ".dvcignore", ".hpipeignore"];

/// The rules of a folder and of those above it.
#[derive(Debug, Clone, Default)]
pub struct IgnoreRules(Option<Arc<Level>>);

#[derive(Debug)]
struct Level {
    rules: Gitignore,
    above: IgnoreRules,
}

impl IgnoreRules {
    /// The rules that hold in `folder`, below the project's `root`: those of its ancestors from the root on, its own not
    /// yet included. A folder outside the root has only its own.
    ///
    /// # Errors
    /// [`Error::IgnoreFile`] or [`Error::Read`].
    pub(crate) fn above(root: &Path, folder: &Path) -> Result<Self, Error> {
        let mut rules = Self::default();
        let Ok(below) = folder.strip_prefix(root) else {
            return Ok(rules);
        };
        let mut ancestor = root.to_path_buf();
        for name in below {
            rules = rules.in_folder(&ancestor, &RULES_FILES)?;
            ancestor.push(name);
        }
        Ok(rules)
    }

    /// Whether this name is that of a file with rules.
    pub(crate) fn is_rules_file(name: &[u8]) -> bool {
        RULES_FILES.iter().any(|file| file.as_bytes() == name)
    }

    /// These rules and those that `folder` itself holds.
    ///
    /// # Errors
    /// [`Error::IgnoreFile`] or [`Error::Read`].
    pub(crate) fn with_own(&self, folder: &Path) -> Result<Self, Error> {
        self.in_folder(folder, &RULES_FILES)
    }

    /// Whether this name is that of a file with rules for the search of pipeline files.
    pub fn in_search(name: &str) -> bool {
        SEARCH_FILES.contains(&name)
    }

    /// These rules and those of `folder` itself, for the search of pipeline files: `.gitignore` counts as well.
    ///
    /// # Errors
    /// [`Error::IgnoreFile`] or [`Error::Read`]. A line of a `.gitignore` that git could not read either is skipped.
    pub fn for_search(&self, folder: &Path) -> Result<Self, Error> {
        self.in_folder(folder, &SEARCH_FILES)
    }

    fn in_folder(&self, folder: &Path, files: &[&str]) -> Result<Self, Error> {
        let mut builder = GitignoreBuilder::new(folder);
        let mut lines = 0;
        for name in files {
            lines += add_file(&mut builder, &folder.join(name))?;
        }
        if lines == 0 {
            return Ok(self.clone());
        }
        let rules = builder.build().map_err(|error| bad(folder, &error))?;
        Ok(Self(Some(Arc::new(Level {
            rules,
            above: self.clone(),
        }))))
    }

    /// Whether the entry at `path` is ignored.
    pub fn ignores(&self, path: &Path, is_folder: bool) -> bool {
        let mut level = &self.0;
        while let Some(rules) = level {
            match rules.rules.matched(path, is_folder) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => level = &rules.above.0,
            }
        }
        false
    }
}

/// Adds the lines of one file and says how many there were; none when there is no such file.
fn add_file(builder: &mut GitignoreBuilder, path: &Path) -> Result<usize, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(Error::read(path)(error)),
    };
    for line in text.trim_start_matches('\u{feff}').lines() {
        let added = builder.add_line(Some(path.to_path_buf()), line);
        if !path.ends_with(".gitignore") {
            added.map_err(|error| bad(path, &error))?;
        }
    }
    Ok(text.lines().count())
}

fn bad(path: &Path, error: &ignore::Error) -> Error {
    Error::IgnoreFile {
        path: path.to_path_buf(),
        message: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeper_and_later_lines_win() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        std::fs::create_dir_all(root.join("data/raw")).unwrap();
        std::fs::write(root.join(".dvcignore"), "*.tmp\n/data/skip/\n").unwrap();
        std::fs::write(root.join(".hpipeignore"), "# comment\n!keep.tmp\n").unwrap();
        std::fs::write(root.join("data/.hpipeignore"), "*.log\n").unwrap();

        let data = IgnoreRules::above(root, &root.join("data"))
            .and_then(|rules| rules.with_own(&root.join("data")))
            .unwrap();
        for (name, is_folder, ignored) in [
            ("data/a.tmp", false, true),
            ("data/keep.tmp", false, false),
            ("data/raw/x.log", false, true),
            ("data/skip", true, true),
            ("data/skip", false, false),
            ("data/a.csv", false, false),
        ] {
            assert_eq!(data.ignores(&root.join(name), is_folder), ignored, "{name}");
        }
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join(".hpipeignore"), "[z-a]\n").unwrap();
        let error = IgnoreRules::default().with_own(root.path()).unwrap_err();
        assert!(matches!(error, Error::IgnoreFile { .. }), "{error}");
    }
}
