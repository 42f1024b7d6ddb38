//! Random pipelines, random edits: after any sequence of them an incremental repro equals a clean one byte for byte,
//! lock file included, and a second repro executes nothing.
//!
//! A sequence is its seed. `HPIPE_SEQUENCES=1000` plays more of them, `HPIPE_SEED=7` plays that one; a failure names its
//! seed and the edits that led there. Stages are real shell commands; hpipe is driven as a library, for speed.

mod edit;
mod model;
#[path = "../support/mod.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use hpipe_core::{Event, EventSink, Outcome, ProjectPath, Registry};
use hpipe_engine::{Cancellation, Location, ReproOptions, Selection, Setup, Workspace};

use edit::{Edited, Harm, edit};
use model::Model;
use support::Project;

/// How many sequences are played if nobody asks for more.
const SEQUENCES: u64 = 40;

/// How many times a sequence edits and repairs.
const ROUNDS: usize = 6;

#[test]
fn incremental_equals_clean() {
    let number = |name| std::env::var_os(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    let seeds = match number("HPIPE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("HPIPE_SEQUENCES").unwrap_or(SEQUENCES),
    };
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(BTreeSet::new());
    std::thread::scope(|threads| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            threads.spawn(|| {
                let seed = || {
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| seeds.contains(seed))
                };
                while let Some(seed) = seed() {
                    if std::panic::catch_unwind(|| Sequence::new(seed).play()).is_err() {
                        failed.lock().expect("nobody panics here").insert(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics there");
    assert!(
        failed.is_empty(),
        "these seeds failed: {failed:?}; play one with HPIPE_SEED"
    );
}

/// One pipeline and what happens to it.
struct Sequence {
    seed: u64,
    rng: Rng,
    model: Model,
    /// The models that were brought up to date, and what the cache suffered since.
    past: Vec<(Model, Harm)>,
    /// The worst the cache suffered since the beginning.
    harm: Harm,
    project: Project,
    /// What was done, for whoever must understand a failure.
    story: String,
}

impl Sequence {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let model = Model::random(&mut rng);
        Self {
            seed,
            rng,
            model,
            past: Vec::new(),
            harm: Harm::Nothing,
            project: Project::new(),
            story: String::new(),
        }
    }

    fn play(mut self) {
        self.model.write(&self.project);
        self.bring_up_to_date();
        for round in 0..ROUNDS {
            let _ = writeln!(self.story, "round {round}");
            if !self.past.is_empty() && self.rng.u8(..4) == 0 {
                self.go_back();
            } else {
                self.edit();
                self.bring_up_to_date();
            }
        }
    }

    fn edit(&mut self) {
        for _ in 0..self.rng.usize(1..=3) {
            let Edited { what, harm } = edit(&mut self.rng, &mut self.model, &self.project);
            let _ = writeln!(self.story, "  {what}");
            self.harm = self.harm.max(harm);
            self.past
                .iter_mut()
                .for_each(|(_, suffered)| *suffered = harm.max(*suffered));
        }
        self.model.write(&self.project);
    }

    /// A state that was there before is answered from the cache, unless that was damaged or told not to keep an out.
    fn go_back(&mut self) {
        let (model, harm) = self.rng.choice(&self.past).expect("a past").clone();
        let _ = writeln!(self.story, "  back to a former state");
        self.model = model;
        self.model.write(&self.project);
        let trace = self.bring_up_to_date();
        if harm == Harm::Nothing && self.model.keeps_everything() {
            assert_eq!(
                trace.executed,
                BTreeSet::new(),
                "executed what the run cache knows; {}",
                self.circumstances()
            );
        }
    }

    /// Repairs the project, and checks everything there is to check.
    fn bring_up_to_date(&mut self) -> Trace {
        let jobs = self.rng.usize(1..=3);
        let foretold = self.repro(jobs, true);
        let trace = self.repro(jobs, false);
        let fresh: BTreeSet<_> = trace.executed.difference(&foretold.may_execute).collect();
        assert!(
            fresh.is_empty() || self.harm == Harm::Lies,
            "--dry did not foretell {fresh:?}; {}",
            self.circumstances()
        );

        let again = self.repro(jobs, false);
        let worked: BTreeSet<_> = again.executed.union(&again.restored).collect();
        assert!(
            worked.is_empty(),
            "the second repro works on {worked:?}; {}",
            self.circumstances()
        );

        let clean = Project::new();
        self.model.write(&clean);
        run(&clean, jobs, false).unwrap_or_else(|error| {
            panic!("a clean build fails: {error}; {}", self.circumstances())
        });
        let (mut ours, mut theirs) = (self.outs(&self.project), self.outs(&clean));
        let common: Vec<_> = ours
            .iter()
            .filter(|(path, text)| theirs.get(*path) == Some(text))
            .collect();
        let common: Vec<_> = common.into_iter().map(|(path, _)| path.clone()).collect();
        for side in [&mut ours, &mut theirs] {
            side.retain(|path, _| !common.contains(path));
        }
        assert!(
            ours == theirs,
            "incremental:\n{ours:#?}\nclean:\n{theirs:#?}\n{}",
            self.circumstances()
        );
        self.past.push((self.model.clone(), Harm::Nothing));
        trace
    }

    fn repro(&self, jobs: usize, dry: bool) -> Trace {
        run(&self.project, jobs, dry)
            .unwrap_or_else(|error| panic!("repro fails: {error}; {}", self.circumstances()))
    }

    /// The files of every out, and the lock file.
    fn outs(&self, project: &Project) -> BTreeMap<String, String> {
        let made = |path: &str| {
            let path = Path::new(path);
            path.starts_with("pipeline.lock")
                || self.model.outs().any(|out| path.starts_with(&out.path))
        };
        let files = project.files().into_iter().filter(|(path, _)| made(path));
        files
            .map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned()))
            .collect()
    }

    fn circumstances(&self) -> String {
        format!(
            "seed {}\n{}pipeline.yaml: {}",
            self.seed,
            self.story,
            self.project.read("pipeline.yaml")
        )
    }
}

/// What a repro did, or with `dry` would do.
#[derive(Debug, Default)]
struct Trace {
    executed: BTreeSet<String>,
    restored: BTreeSet<String>,
    may_execute: BTreeSet<String>,
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

fn run(project: &Project, jobs: usize, dry: bool) -> Result<Trace, String> {
    let location = Location {
        root: project.root().to_owned(),
        file: ProjectPath::new("pipeline.yaml"),
        folder: ProjectPath::root(),
        is_named: true,
    };
    let environment = std::env::vars().collect();
    let options = ReproOptions {
        selection: Selection::default(),
        force: false,
        keep_going: false,
        dry,
        jobs,
        run_cache: true,
        wait: true,
    };
    let recorder = Recorder::default();
    let workspace = Workspace::open(
        location,
        Setup::new(Arc::new(Registry::default()), environment).into(),
    )
    .map_err(|e| format!("{e:?}"))?;
    hpipe_engine::repro(&workspace, &options, &recorder, &Cancellation::default())
        .map_err(|e| format!("{e:?}"))?;
    let trace = recorder.0.into_inner().expect("nobody panics there");
    if trace.failures.is_empty() {
        Ok(trace)
    } else {
        Err(trace.failures.join("\n"))
    }
}
