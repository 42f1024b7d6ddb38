//! Where runs come from: who, on which machine, with which code.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;

use hpipe_engine::CodeVersion;
use hpipe_track::ledger::Pair;

/// Who executes, and with which code. Asked once for a command.
#[derive(Debug, Default)]
pub(super) struct Source {
    code: OnceLock<Option<CodeVersion>>,
}

/// Who the system says the user is.
pub(super) fn user() -> Option<String> {
    of_system(&std::fs::read_to_string("/etc/passwd").ok()?)
}

/// The name of who owns this process, of the lines `name:password:uid:…`.
fn of_system(passwd: &str) -> Option<String> {
    let uid = std::fs::metadata("/proc/self").ok()?.uid().to_string();
    let mut users = passwd.lines().map(|line| line.split(':'));
    let found =
        users.find_map(|mut user| Some((user.next()?, user.nth(1)?)).filter(|(_, id)| *id == uid));
    found.map(|(name, _)| name.to_owned())
}

impl Source {
    /// The tags of a run of the project at `root`, whose pipeline file `file` is.
    pub(super) fn tags(&self, root: &Path, file: &str, user: &str) -> Vec<Pair> {
        let mut tags = vec![
            Pair::new("mlflow.source.type", "PROJECT"),
            Pair::new("mlflow.source.name", file),
            Pair::new("mlflow.user", user),
            Pair::new("hpipe.host", hpipe_store::host()),
            Pair::new("hpipe.version", env!("CARGO_PKG_VERSION")),
        ];
        if let Some(code) = self.code.get_or_init(|| CodeVersion::of(root)) {
            tags.push(Pair::new("mlflow.source.git.commit", code.commit.as_str()));
            tags.push(Pair::new("mlflow.git.dirty", code.is_dirty.to_string()));
            let branch = code.branch.as_deref();
            tags.extend(branch.map(|branch| Pair::new("mlflow.source.git.branch", branch)));
        }
        tags
    }
}
