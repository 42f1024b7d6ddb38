//! Runs hpipe as a library, and says what executed.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hpipe_core::{Event, EventSink, Outcome, ProjectPath, Registry};
use hpipe_engine::{Cancellation, Location, Opening, ReproOptions, Setup, Workspace};
use hpipe_store::Store;

use crate::mix::Mix;

/// What a repro did, or with `dry` would do.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) executed: BTreeSet<String>,
    pub(crate) restored: BTreeSet<String>,
    pub(crate) may_execute: BTreeSet<String>,
    failures: Vec<String>,
}

#[derive(Default)]
struct Recorder(Mutex<Trace>);

impl EventSink for Recorder {
    fn emit(&self, event: &Event) {
        let mut trace = self.0.lock().expect("nobody panics here");
        match event {
            Event::StageStarted { stage, .. } => {
                trace.executed.insert(stage.to_string());
            }
            Event::StageFinished {
                stage,
                outcome,
                failure,
                ..
            } => {
                match outcome {
                    Outcome::Restored => trace.restored.insert(stage.to_string()),
                    Outcome::WouldRun | Outcome::MayRun => {
                        trace.may_execute.insert(stage.to_string())
                    }
                    _ => false,
                };
                trace.failures.extend(
                    failure
                        .iter()
                        .map(|failure| format!("{stage}: {failure:?}")),
                );
            }
            _ => {}
        }
    }
}

/// Where the project at `root` lies.
pub(crate) fn location(root: &Path) -> Location {
    Location {
        root: root.to_owned(),
        file: ProjectPath::new("pipeline.yaml"),
        folder: ProjectPath::root(),
        is_named: true,
    }
}

fn setup() -> Setup {
    let mut registry = Registry::default();
    registry.add(Mix);
    Setup::new(Arc::new(registry), std::env::vars().collect())
}

/// The store of the project at `root`.
pub(crate) fn store(root: &Path) -> Store {
    setup().open_store(&location(root)).expect("the store")
}

/// Everything told, but for times.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl EventSink for Told {
    fn emit(&self, event: &Event) {
        let text = match event {
            // A seal is answered without the stat cache: that it is damaged learns whoever reads it.
            Event::Warning { text } if text.starts_with("the stat cache ") => return,
            Event::Finished(summary) => format!("{} stages", summary.stages()),
            other => format!("{other:?}"),
        };
        self.0.lock().expect("nobody panics here").push(text);
    }
}

/// Whether a repro that asks no seal tells what the seal told, in the same order.
fn decided_alike(root: &Path, options: &ReproOptions) -> Result<(), String> {
    let (from_seal, decided) = (Told::default(), Told::default());
    let open = || Opening::new(location(root), setup().into()).map_err(|e| format!("{e:?}"));
    if open()?.recall(options, &from_seal).is_none() {
        return Err("a seal answered once and not again".to_owned());
    }
    let workspace =
        Workspace::open(location(root), setup().into()).map_err(|e| format!("{e:?}"))?;
    hpipe_engine::repro(&workspace, options, &decided, &Cancellation::default())
        .map_err(|e| format!("{e:?}"))?;
    let told = |told: Told| told.0.into_inner().expect("nobody panics there");
    let (from_seal, decided) = (told(from_seal), told(decided));
    match from_seal == decided {
        true => Ok(()),
        false => Err(format!(
            "the seal told {from_seal:?}, and a decision {decided:?}"
        )),
    }
}

/// Makes the project at `root` up to date; with `dry` only says what that would take.
pub(crate) fn run(root: &Path, jobs: usize, dry: bool) -> Result<Trace, String> {
    let options = ReproOptions {
        dry,
        jobs,
        ..ReproOptions::default()
    };
    let recorder = Recorder::default();
    let mut opening = Opening::new(location(root), setup().into()).map_err(|e| format!("{e:?}"))?;
    // As the command does; what a seal answers must be what a decision comes to.
    if opening.recall(&options, &recorder).is_some() {
        decided_alike(root, &options)?;
    } else {
        let workspace = opening.open().map_err(|e| format!("{e:?}"))?;
        hpipe_engine::repro(&workspace, &options, &recorder, &Cancellation::default())
            .map_err(|e| format!("{e:?}"))?;
    }
    let trace = recorder.0.into_inner().expect("nobody panics there");
    if trace.failures.is_empty() {
        Ok(trace)
    } else {
        Err(trace.failures.join("\n"))
    }
}
