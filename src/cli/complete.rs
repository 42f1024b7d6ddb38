//! What a shell is told when it asks how a command line goes on: commands and options, the stages of the project at hand,
//! paths.
//!
//! The script that `hpipe completions SHELL` prints starts hpipe with [`VARIABLE`] set and the words so far; [`answer`]
//! prints the candidates. Which values an argument takes is read off the name it has in `--help`: `TARGET` and `STAGE`
//! are stages (and paths), so a new command is completed without a line here. Whatever goes wrong, there are no
//! candidates: nobody wants an error in the middle of a line.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, Command};
use clap_complete::env::CompleteEnv;
use clap_complete::{ArgValueCompleter, CompletionCandidate, PathCompleter};
use hpipe_core::Registry;
use hpipe_engine::{Environment, Location, Setup, Workspace};

use crate::args;

/// Set by the shell when it asks, to its name.
pub(crate) const VARIABLE: &str = "_HPIPE_COMPLETE";

/// Whether a shell asks.
pub(crate) fn is_asked() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// Answers a shell that asks.
pub(crate) fn answer(registry: Arc<Registry>) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let project = Project {
        registry,
        folder: after(&words, &["-C", "--cd"]).unwrap_or_else(|| PathBuf::from(".")),
        file: after(&words, &["-f", "--file"]),
    };
    let project = Arc::new(project);
    let command = || completed(args::command(), &project);
    let here = std::env::current_dir().ok();
    let answered = CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .try_complete(words, here.as_deref());
    match answered {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// The word after one of these options of hpipe itself, which stand before the command.
fn after(words: &[OsString], options: &[&str]) -> Option<PathBuf> {
    let mut words = words.iter().skip_while(|word| *word != "--").skip(2);
    while let Some(word) = words.next() {
        let is_asked = options.iter().any(|option| word == option);
        match (
            is_asked,
            ["-C", "--cd", "-f", "--file"]
                .iter()
                .any(|option| word == option),
        ) {
            (true, _) => return words.next().map(PathBuf::from),
            (false, true) => drop(words.next()),
            (false, false) if !word.to_string_lossy().starts_with('-') => return None,
            _ => {}
        }
    }
    None
}

/// The commands, their arguments with what completes them.
fn completed(command: Command, project: &Arc<Project>) -> Command {
    let of_args = project.clone();
    let of_commands = project.clone();
    command
        .mut_args(move |arg| with_values(arg, &of_args))
        .mut_subcommands(move |command| completed(command, &of_commands))
}

fn with_values(arg: Arg, project: &Arc<Project>) -> Arg {
    let names = arg.get_value_names().unwrap_or_default();
    let name = names.first().map(|name| name.as_str().to_owned());
    let project = project.clone();
    match name.as_deref() {
        Some("TARGET") => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            let mut found = project.stages(current);
            if let Some(current) = current.to_str().filter(|current| !current.is_empty()) {
                let paths = ArgValueCompleter::new(PathCompleter::any());
                found.extend(paths.complete(OsStr::new(current)));
            }
            found
        })),
        Some("STAGE") => arg.add(ArgValueCompleter::new(move |current: &OsStr| {
            project.stages(current)
        })),
        Some("DIR") => arg.add(ArgValueCompleter::new(PathCompleter::dir())),
        Some("PATH" | "FILE" | "FILE:KEY") => arg.add(ArgValueCompleter::new(PathCompleter::any())),
        _ => arg,
    }
}

/// The project that the line is about.
struct Project {
    registry: Arc<Registry>,
    folder: PathBuf,
    file: Option<PathBuf>,
}

impl Project {
    /// The stages and groups that begin like this, with what they are for.
    fn stages(&self, current: &OsStr) -> Vec<CompletionCandidate> {
        let Some((workspace, begun)) = self.open().zip(current.to_str()) else {
            return Vec::new();
        };
        let stages = &workspace.pipeline().stages;
        let groups: BTreeSet<_> = stages
            .iter()
            .filter_map(|stage| stage.name.group())
            .collect();
        let groups = groups.into_iter().map(|group| (group, Some("a group")));
        let stages = stages
            .iter()
            .map(|stage| (stage.name.as_str(), stage.desc.as_deref()));
        // A group's instances are offered once it is named: a grid of a thousand would hide everything else.
        let wanted =
            |name: &str| name.starts_with(begun) && (begun.contains('@') || !name.contains('@'));
        stages
            .chain(groups)
            .filter(|(name, _)| wanted(name))
            .map(|(name, help)| {
                let help =
                    help.map(|help| help.lines().next().unwrap_or_default().to_owned().into());
                CompletionCandidate::new(name).help(help)
            })
            .collect()
    }

    fn open(&self) -> Option<Workspace> {
        let location = Location::find(Path::new(&self.folder), self.file.as_deref()).ok()?;
        let setup = Setup::new(self.registry.clone(), Environment::new());
        Workspace::open(location, setup.into()).ok()
    }
}
