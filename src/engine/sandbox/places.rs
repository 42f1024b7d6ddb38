//! Where a confined command makes its outs.
//!
//! The right to create a file is one on the folder that will hold it, and goes with the right to write everything else
//! there. So there are two ways. Has a folder nothing to hold but outs of this one stage, the command may do in it what it
//! likes, and what it leaves there beside its outs is found afterwards. In any other folder, the project's root above all,
//! an empty file or folder holds the place of the out and the command may write that alone.
//!
//! Whether an out will be a file or a folder is known from the last execution. Before the first, a file holds the place, for
//! what holds it must not decide what the command makes: `cp a model` puts `model/a` into a folder that lies there, and
//! nobody would be told, but no command makes a folder where a file is. One that tries to fails, and the failure says why
//! ([`Places::in_the_way`]).

use std::collections::BTreeSet;
use std::path::PathBuf;

use hpipe_core::{Code, ContentKind, ProjectPath, StageFailure};
use hpipe_spec::{Out, StageSpec};
use hpipe_store::{OutRecord, Placeholder};

use crate::exec::Stopped;
use crate::workspace::Workspace;

/// What is held and opened for the outs of one execution.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Files and folders that may be written.
    writable: Vec<PathBuf>,
    placeholders: Vec<Placeholder>,
    /// Outs of which nothing says whether they are files or folders; a file holds their place.
    guessed: Vec<ProjectPath>,
    /// Folders that hold outs of this stage alone.
    own: BTreeSet<ProjectPath>,
    outs: BTreeSet<ProjectPath>,
}

impl Places {
    /// Prepares the places of all outs, whose parents exist.
    pub(super) fn prepare(
        workspace: &Workspace,
        stage: &StageSpec,
        recorded: &[OutRecord],
    ) -> Result<Self, Stopped> {
        let mut places = Self {
            outs: stage.outs.iter().map(|out| out.path.clone()).collect(),
            ..Self::default()
        };
        let root = workspace.store().root();
        let parents: BTreeSet<_> = places.outs.iter().filter_map(ProjectPath::parent).collect();
        for folder in parents {
            if places.is_own(workspace, stage, &folder) {
                places.writable.push(folder.on_disk(root));
                places.own.insert(folder);
            }
        }
        for out in &stage.outs {
            let on_disk = out.path.on_disk(root);
            let in_own = out
                .path
                .parent()
                .is_some_and(|parent| places.own.contains(&parent));
            if !in_own
                && !on_disk.exists()
                && let Err(fault) = places.hold(workspace, out, recorded)
            {
                places.give_back(workspace)?;
                return Err(fault);
            }
            places.writable.push(on_disk);
        }
        Ok(places)
    }

    /// Holds the place of an out that is not there.
    fn hold(
        &mut self,
        workspace: &Workspace,
        out: &Out,
        recorded: &[OutRecord],
    ) -> Result<(), Stopped> {
        let known = recorded.iter().find(|record| record.path == out.path);
        let kind = known.map_or(ContentKind::File, |record| record.content.kind);
        if out.persist && kind == ContentKind::File {
            return Err(cannot_persist(&out.path).into());
        }
        if known.is_none() {
            self.guessed.push(out.path.clone());
        }
        let held = workspace.store().hold_place(&out.path, kind)?;
        self.placeholders.push(held);
        Ok(())
    }

    /// Adds to the failure of a command that was to make a folder that an empty file was in its way, if what it printed
    /// says so.
    pub(super) fn in_the_way(&self, failure: StageFailure, printed: &str) -> StageFailure {
        let is_told = |out: &&ProjectPath| {
            let mut lines = printed.lines();
            lines.any(|line| line.contains(out.file_name()) && is_no_folder(line))
        };
        let told: Vec<_> = self.guessed.iter().filter(is_told).collect();
        let Some(first) = told.first() else {
            return failure;
        };
        let names: Vec<_> = told.iter().map(|out| format!("`{out}`")).collect();
        StageFailure {
            code: Code::Undeclared,
            message: format!(
                "{}; the sandbox held the place of {} with an empty file",
                failure.message,
                names.join(", ")
            ),
            help: Some(format!(
                "a folder cannot be made where other files lie before hpipe knows that it is one: put it into a folder of \
                 its own (`made/{}`), or execute the stage once with `sandbox: false`",
                first.file_name()
            )),
            ..failure
        }
    }

    /// Whether a folder holds, and will hold, nothing but outs of this stage.
    fn is_own(&self, workspace: &Workspace, stage: &StageSpec, folder: &ProjectPath) -> bool {
        let is_root = folder.as_str() == "." || folder.is_outside();
        let is_shared = || {
            let mut makers = workspace.graph().makers(folder);
            makers.any(|maker| workspace.stage(maker).name != stage.name)
        };
        !is_root && !is_shared() && self.strays(workspace, folder).is_empty()
    }

    /// What lies in a folder and is no out.
    fn strays(&self, workspace: &Workspace, folder: &ProjectPath) -> Vec<String> {
        let on_disk = folder.on_disk(workspace.store().root());
        let entries = std::fs::read_dir(on_disk).into_iter().flatten().flatten();
        let paths = entries.map(|entry| folder.join(&entry.file_name().to_string_lossy()));
        let mut found: Vec<_> = paths
            .filter(|path| !self.leads_to_out(path) && path.file_name() != ".gitignore")
            .map(|path| path.as_str().to_owned())
            .collect();
        found.sort();
        found
    }

    /// Whether a path is an out, or a folder around one.
    fn leads_to_out(&self, path: &ProjectPath) -> bool {
        self.outs.iter().any(|out| out.is_within(path))
    }

    /// What the command may write.
    pub(super) fn writable(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.writable.iter().cloned()
    }

    /// Removes what held a place and was not touched, and says what else lies in the stage's own folders.
    pub(super) fn give_back(&self, workspace: &Workspace) -> Result<Vec<String>, Stopped> {
        for placeholder in &self.placeholders {
            workspace.store().give_back(placeholder)?;
        }
        let strays = self
            .own
            .iter()
            .flat_map(|folder| self.strays(workspace, folder));
        Ok(strays.collect())
    }
}

/// A stage that goes on with what is there would take the empty file for that.
fn cannot_persist(path: &ProjectPath) -> StageFailure {
    StageFailure {
        code: Code::Undeclared,
        message: format!("the sandbox cannot let a command create `{path}`, which is `persist`"),
        help: Some(
            "give it a folder of its own, in which nothing but this stage's outs lie".into(),
        ),
        output: String::new(),
        log: None,
    }
}

/// Whether a line says that a folder cannot be where a file is, as the C library, Python, Rust and coreutils say it.
fn is_no_folder(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    let phrases = [
        "file exists",
        "already exists",
        "not a directory",
        "non-directory",
        "eexist",
        "enotdir",
    ];
    phrases.iter().any(|phrase| line.contains(phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_say_in_their_own_ways_that_a_file_is_where_a_folder_should_be() {
        for line in [
            "mkdir: cannot create directory 'parts': File exists",
            "FileExistsError: [Errno 17] File exists: 'parts'",
            "cp: cannot overwrite non-directory 'parts' with directory 'x'",
            "sh: 1: cannot create parts/a: Not a directory",
        ] {
            assert!(is_no_folder(line), "{line}");
        }
        assert!(!is_no_folder("parts: bad number"));
    }
}
