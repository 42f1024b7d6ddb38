//! What version of the code a project is at, as git knows it.

use std::path::Path;

use crate::git;
use crate::location::PIPELINE_LOCK;

/// Where a project's code stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeVersion {
    /// The hash of the commit.
    pub commit: String,
    /// The branch; none when no branch is checked out.
    pub branch: Option<String>,
    /// Whether a file that git keeps is not as in the commit; lock files do not count, for hpipe itself rewrites them while it
    /// executes that code.
    pub is_dirty: bool,
}

impl CodeVersion {
    /// The version of the project at `root`; none when it is in no repository, or in one without a commit, or there is no git
    /// to ask.
    pub fn of(root: &Path) -> Option<Self> {
        let words = [
            "status",
            "--porcelain=v2",
            "--branch",
            "--untracked-files=no",
        ];
        let asked = git::ask(root, "its state", &words).ok()?;
        let text = String::from_utf8_lossy(&asked.stdout);
        asked.status.success().then(|| Self::read(&text))?
    }

    fn read(text: &str) -> Option<Self> {
        let header = |name| text.lines().find_map(|line| line.strip_prefix(name));
        let commit = header("# branch.oid ").filter(|commit| *commit != "(initial)")?;
        let branch = header("# branch.head ").filter(|branch| *branch != "(detached)");
        Some(Self {
            commit: commit.to_owned(),
            branch: branch.map(str::to_owned),
            is_dirty: text.lines().any(is_change),
        })
    }
}

/// Whether a line is about a file that somebody changed.
fn is_change(line: &str) -> bool {
    let is_lock = |path: &str| path.rsplit('/').next() == Some(PIPELINE_LOCK);
    // Of a changed file, the path is what follows eight fields; of others (renamed, in conflict) there is more to say.
    let changed = line
        .strip_prefix("1 ")
        .and_then(|_| line.splitn(9, ' ').nth(8));
    !line.starts_with('#') && !changed.is_some_and(is_lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_read() {
        let clean = "# branch.oid abc\n# branch.head main\n";
        let version = |branch: Option<&str>, is_dirty| {
            Some(CodeVersion {
                commit: "abc".to_owned(),
                branch: branch.map(str::to_owned),
                is_dirty,
            })
        };
        assert_eq!(CodeVersion::read(clean), version(Some("main"), false));
        let dirty = format!("{clean}1 .M N... 100644 100644 100644 a b file\n");
        assert_eq!(CodeVersion::read(&dirty), version(Some("main"), true));
        let locked = format!("{clean}1 .M N... 100644 100644 100644 a b sub/pipeline.lock\n");
        assert_eq!(CodeVersion::read(&locked), version(Some("main"), false));
        let other = format!("{clean}1 .M N... 100644 100644 100644 a b my pipeline.lock\n");
        assert_eq!(CodeVersion::read(&other), version(Some("main"), true));
        let detached = "# branch.oid abc\n# branch.head (detached)\n";
        assert_eq!(CodeVersion::read(detached), version(None, false));
        assert_eq!(CodeVersion::read("# branch.oid (initial)\n"), None);
    }
}
