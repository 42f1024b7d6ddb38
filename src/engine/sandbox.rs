//! Confines commands to what their stage declares: `sandbox: true`, `hpipe repro --sandbox`.
//!
//! A command in its sandbox can read its declared deps and params files, and write its outs and a folder for temporary
//! files; of the rest of the *project* it can read nothing. What lies outside of the project, the system and its programs,
//! can be read as ever, for the point is an input somebody forgot to declare, and of those a wrong hit is made; but nothing
//! can be written there. The page is `docs/sandbox.md`.
//!
//! The kernel does it (Landlock), asked by the process itself: hpipe starts itself as `hpipe exec-stage`, which gives up
//! its rights ([`Confinement`]) and becomes the command. The kernel only says "permission denied", to the command;
//! `denied` reads in what the command printed which path it was. Built-in stages are not confined: they are handed their
//! declared paths and read no others by construction.
//!
//! Whether a stage executes in a sandbox is no part of its key (`fingerprint`).

mod confinement;
mod denied;
mod places;
mod tools;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use hpipe_core::{Code, StageFailure};
use hpipe_spec::{Action, StageSpec};
use hpipe_store::{Attempt, OutRecord, TemporaryFolder};

use crate::Error;
use crate::exec::Stopped;
use crate::workspace::Workspace;

pub use confinement::{Confinement, ConfinementError};
use places::Places;

/// The hidden command of the launcher that confines itself, then becomes what the arguments after it say.
pub const EXEC_STAGE: &str = "exec-stage";

/// How commands are confined.
#[derive(Debug, Clone)]
pub struct Sandboxing {
    /// Which commands.
    pub which: Confined,
    /// Stop before anything executes where commands cannot be confined, instead of a warning.
    pub required: bool,
    /// What all commands may read besides, absolute or relative to the project.
    pub read: Vec<PathBuf>,
    /// What all commands may write besides, absolute or relative to the project.
    pub write: Vec<PathBuf>,
    /// Whether commands can be confined here.
    pub support: Support,
}

/// Which commands are confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confined {
    /// Those whose stage says `sandbox: true`.
    Declared,
    /// All but those whose stage says `sandbox: false`.
    Unless,
    /// All.
    All,
}

/// Whether commands can be confined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Support {
    /// Yes, by this program, which understands [`Confinement::arguments`].
    Launcher(PathBuf),
    /// No, and why: a lowercase fragment.
    Missing(String),
}

impl Support {
    /// What this kernel can do, where `launcher` is the program to start.
    pub fn of_this_kernel(launcher: impl Into<PathBuf>) -> Self {
        match confinement::why_not() {
            None => Self::Launcher(launcher.into()),
            Some(reason) => Self::Missing(reason),
        }
    }
}

impl Default for Sandboxing {
    fn default() -> Self {
        Self {
            which: Confined::Declared,
            required: false,
            read: Vec::new(),
            write: Vec::new(),
            support: Support::Missing(
                "the program that started the engine does not confine".into(),
            ),
        }
    }
}

impl Sandboxing {
    /// Whether this stage is to be confined.
    fn wants(&self, stage: &StageSpec) -> bool {
        let declared = stage.execution().sandbox;
        let wanted = match self.which {
            Confined::Declared => declared == Some(true),
            Confined::Unless => declared != Some(false),
            Confined::All => true,
        };
        wanted && matches!(stage.action, Action::Command(_))
    }

    /// What to warn of, once, before these stages execute: that they cannot be confined.
    ///
    /// # Errors
    /// [`Error::NoSandbox`] where that is required.
    pub(crate) fn warning<'s>(
        &self,
        mut stages: impl Iterator<Item = &'s StageSpec>,
    ) -> Result<Option<String>, Error> {
        let Support::Missing(reason) = &self.support else {
            return Ok(None);
        };
        match stages.any(|stage| self.wants(stage)) {
            false => Ok(None),
            true if self.required => Err(Error::NoSandbox(reason.clone())),
            true => Ok(Some(format!(
                "commands execute without their sandbox: {reason}"
            ))),
        }
    }
}

/// The sandbox of one execution.
#[derive(Debug)]
pub(crate) struct Sandbox {
    launcher: PathBuf,
    confinement: Confinement,
    places: Places,
    temporary: TemporaryFolder,
}

impl Sandbox {
    /// Prepares the sandbox of `stage`, whose old outs are removed; none if it needs none, or none can be had.
    pub(crate) fn prepare(
        workspace: &Workspace,
        stage: &StageSpec,
        recorded: &[OutRecord],
    ) -> Result<Option<Self>, Stopped> {
        let sandboxing = &workspace.setup().sandbox;
        let Support::Launcher(launcher) = &sandboxing.support else {
            return Ok(None);
        };
        if !sandboxing.wants(stage) {
            return Ok(None);
        }
        let root = workspace.store().root();
        let temporary = workspace.store().temporary_folder()?;
        let places = Places::prepare(workspace, stage, recorded)?;
        let deps = stage.deps.iter().map(|dep| &dep.path);
        let declared = deps.chain(stage.params.iter().map(|param| &param.file));
        let mut confinement = Confinement::new(root);
        for path in declared {
            confinement.read_content(&path.on_disk(root));
        }
        let tools = tools::environments(workspace.environment(), root, &stage.wdir.on_disk(root));
        let extra = sandboxing.read.iter().map(|path| root.join(path));
        tools
            .into_iter()
            .chain(extra)
            .for_each(|path| confinement.read(&path));
        let extra = sandboxing.write.iter().map(|path| root.join(path));
        let made = places.writable().chain(extra);
        made.chain([temporary.path().to_owned()])
            .for_each(|path| confinement.write(&path));
        Ok(Some(Self {
            launcher: launcher.clone(),
            confinement,
            places,
            temporary,
        }))
    }

    /// The program to start, with its first arguments; the command comes after them.
    pub(crate) fn launch(&self) -> (&Path, Vec<OsString>) {
        let mut arguments = vec![OsString::from(EXEC_STAGE)];
        arguments.extend(self.confinement.arguments());
        (&self.launcher, arguments)
    }

    /// Where the command shall put temporary files.
    pub(crate) fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// Says after the execution what the sandbox has to do with its end, and tidies up.
    pub(crate) fn conclude(
        self,
        workspace: &Workspace,
        stage: &StageSpec,
        ended: Result<(), Stopped>,
        attempt: &Attempt,
    ) -> Result<(), Stopped> {
        let strays = self.places.give_back(workspace)?;
        let printed = || {
            let printed = attempt.printed().unwrap_or_default();
            String::from_utf8_lossy(&printed).into_owned()
        };
        let wdir = stage.wdir.on_disk(workspace.store().root());
        let denied = || denied::find(&printed(), &self.confinement, &wdir);
        match ended {
            Ok(()) if !strays.is_empty() => Err(wrote_strays(&strays).into()),
            // A pipe of the shell ends well though its first program was denied its input.
            Ok(()) => match denied().of_project() {
                None => Ok(()),
                Some(denied) => Err(denied::explain(finished(), &denied).into()),
            },
            Err(Stopped::Failed(failure)) if failure.code == Code::StageFailed => {
                let failure = self.places.in_the_way(*failure, &printed());
                Err(denied::explain(failure, &denied()).into())
            }
            Err(other) => Err(other),
        }
    }
}

fn wrote_strays(strays: &[String]) -> StageFailure {
    StageFailure {
        message: format!(
            "finished, but also wrote {}, which it does not declare",
            strays.join(", ")
        ),
        help: Some(
            "remove it, and declare it under `outs`, or write what is temporary to `$TMPDIR`"
                .into(),
        ),
        ..finished()
    }
}

fn finished() -> StageFailure {
    StageFailure {
        code: Code::Undeclared,
        message: "finished".into(),
        help: None,
        output: String::new(),
        log: None,
    }
}
