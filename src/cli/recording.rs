//! Executions become runs in the records of the project.
//!
//! A [`Recorder`] listens to the engine as its [`Observer`]: when an execution of a tracked stage begins, its run is begun
//! (so that it can be seen while it runs, and a command can log to it); when it ends, what came of it is written down, on
//! the thread that worked on the stage, before the lock file tells of the result. What a crash or a refusing disk left
//! open, [`settle`](Recorder::settle) writes down with the next `hpipe repro`. A stage that was restored or is up to date
//! has its run already.
//!
//! `subject` says what is known before, `series`, `study`, `model` and `example` read what was made, `files` keeps bytes, `origin` says
//! which run made what a stage holds, `searching` is for the trials of `hpipe tune`, `words` fits names and values to MLflow's limits, `serving` lets commands log to their runs, `outcomes` listens which stage ended how.
//!
//! A project without tracked stages never opens its records. A ledger that refuses is a warning: no stage fails for it, and
//! what is missing is written down next time. Knows no SQL: that is `hpipe_track::ledger`.

mod end;
mod example;
mod files;
mod model;
mod origin;
mod outcomes;
mod searching;
mod series;
mod serving;
mod settle;
mod source;
mod study;
mod subject;
mod words;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use hpipe_core::{ProjectPath, TableFiles, with_causes};
use hpipe_engine::{Location, Observed, ObservedEnd, Observer, Variables, Workspace};
use hpipe_spec::{Action, StageSpec};
use hpipe_store::Store;
use hpipe_track::ledger::{
    Change, DatasetInput, ExecutionRecord, Ledger, LedgerError, NewRun, Pair, RunInfo,
};

use crate::registering::MODELS;
use crate::session::Session;
use crate::ui::Ui;

pub(crate) use example::{EXAMPLE, SERVING_EXAMPLE, about as about_example};
pub(crate) use origin::{maker, makers};
pub(crate) use outcomes::Outcomes;
pub(crate) use searching::{SearchResult, SearchRun, SearchSubject, TrialResult};
use serving::{Registry, Serving};

/// What of it git shall not keep: SQLite's files, and artifacts.
pub(crate) const RECORDS: [&str; 4] = [
    "models/track.db",
    "models/track.db-wal",
    "models/track.db-shm",
    "models/artifacts",
];

/// Writes down executions as runs.
pub(crate) struct Recorder {
    root: PathBuf,
    /// The pipeline file, which is the source of all runs.
    file: String,
    experiment: String,
    user: String,
    source: source::Source,
    ui: Arc<Ui>,
    /// Who reads what models are trained on.
    tables: Option<Arc<dyn TableFiles>>,
    ledger: OnceLock<Option<Ledger>>,
    registry: Registry,
    /// Started with the first tracked command.
    serving: OnceLock<Option<Serving>>,
    is_settled: AtomicBool,
}

/// A run that is to be begun.
#[derive(Debug, Clone)]
struct Beginning {
    attempt: String,
    stage: String,
    key: String,
    experiment: String,
    new: NewRun,
    params: Vec<Pair>,
    data: Vec<DatasetInput>,
}

/// Data logged at once.
const DATA: usize = 1000;

impl Beginning {
    /// Begins the run, unless that is done, and makes its experiment if need be.
    fn begin(&self, change: &Change<'_>) -> Result<ExecutionRecord, LedgerError> {
        if let Some(known) = change.execution(&self.attempt)? {
            return Ok(known);
        }
        let new = NewRun {
            experiment: change.ensure_experiment(&self.experiment)?,
            ..self.new.clone()
        };
        let begun = change.begin_execution(&self.attempt, (&self.stage, &self.key), new)?;
        change.log_much(&begun.run, &self.params, &[], &[])?;
        for data in self.data.chunks(DATA) {
            change.log_inputs(&begun.run, data, &[])?;
        }
        Ok(begun)
    }
}

/// Keeps the records of a project out of git, before there are any.
pub(crate) fn keep_out_of_git(store: &Store, ui: &Ui) {
    if Ledger::exists(&store.root().join(MODELS)) {
        return;
    }
    let records: Vec<_> = RECORDS.into_iter().map(ProjectPath::new).collect();
    if let Err(error) = hpipe_engine::keep_out_of_git(store, &records) {
        let why = with_causes(&error);
        ui.warning(&format!("failed to keep the records out of git: {why}"));
    }
}

/// As [`keep_out_of_git`], for whoever makes the records of a folder that need not be a project.
pub(crate) fn keep_out_of_git_at(root: &Path, ui: &Ui) -> Result<(), hpipe_store::Error> {
    let store = Store::open(root, Path::new(".cache"))?;
    keep_out_of_git(&store, ui);
    Ok(())
}

impl Recorder {
    /// Records what is executed in the project that `session` is about.
    pub(crate) fn new(session: &Session, location: &Location) -> Arc<Self> {
        let root = &location.root;
        let set = session.experiment();
        let folder = root
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Arc::new(Self {
            experiment: set.map(str::to_owned).or(folder).unwrap_or_default(),
            root: root.to_owned(),
            file: location.file.as_str().to_owned(),
            user: session
                .user()
                .or_else(source::user)
                .unwrap_or_else(|| "unknown".to_owned()),
            source: source::Source::default(),
            ui: session.ui.clone(),
            tables: session.registry().tables.clone(),
            registry: Registry::new(session, root),
            ledger: OnceLock::new(),
            serving: OnceLock::new(),
            is_settled: AtomicBool::new(true),
        })
    }

    /// Prepares a project with tracked stages before the first of them executes: what will be recorded stays out of git.
    pub(crate) fn prepare(&self, workspace: &Workspace) {
        if workspace.pipeline().stages.iter().any(subject::is_tracked) {
            keep_out_of_git(workspace.store(), &self.ui);
        }
    }

    fn models(&self) -> PathBuf {
        self.root.join(MODELS)
    }

    /// The records, opened when they are first needed; none when they cannot be, which has been told.
    fn ledger(&self) -> Option<&Ledger> {
        let open = || {
            let opened = Ledger::open(&self.models(), Arc::new(hpipe_store::now_millis));
            opened
                .map_err(|error| self.refused("open the records", &error))
                .ok()
        };
        self.ledger.get_or_init(open).as_ref()
    }

    /// The records, if something was ever recorded here.
    fn existing(&self) -> Option<&Ledger> {
        Ledger::exists(&self.models()).then(|| self.ledger())?
    }

    /// Tells that something could not be written down, and sees that it is tried again.
    fn refused(&self, what: &str, error: &LedgerError) {
        let is_first = self.is_settled.swap(false, Ordering::Relaxed);
        if is_first {
            let why = with_causes(error);
            self.ui.warning(&format!(
                "failed to {what}: {why}; the next `hpipe repro` tries again"
            ));
        }
    }

    /// What the commands of a stage are told, so that MLflow's client in them logs to their run.
    fn variables(&self, stage: &StageSpec, run: &RunInfo) -> Variables {
        if !matches!(stage.action, Action::Command(_)) {
            return Variables::new();
        }
        let start = || Serving::start(&self.models(), &self.registry, &self.ui);
        let serving = self.serving.get_or_init(start).as_ref();
        serving.map_or_else(Variables::new, |serving| serving.variables(run))
    }

    /// Begins the run of an execution, and says what its commands are told.
    fn begin(&self, beginning: Beginning, stage: &StageSpec) -> Variables {
        let Some(ledger) = self.ledger() else {
            return Variables::new();
        };
        let begun = ledger.write(move |change| {
            let begun = beginning.begin(change)?;
            change.run_info(&begun.run)
        });
        match begun {
            Ok(run) => self.variables(stage, &run),
            Err(error) => {
                self.refused(&format!("begin the run of {}", stage.name), &error);
                Variables::new()
            }
        }
    }

    /// Writes down how an execution ended.
    fn end(&self, beginning: Beginning, execution: &Observed<'_>, end: &ObservedEnd<'_>) {
        let Some(ledger) = self.ledger() else { return };
        if let Err(error) = end::write(ledger, self.tables.as_deref(), beginning, execution, end) {
            let stage = &execution.stage.name;
            self.refused(&format!("record the run of {stage}"), &error);
        }
    }

    fn beginning(&self, execution: &Observed<'_>, tags: Vec<Pair>) -> Beginning {
        let said = subject::said(execution.stage);
        let stage = execution.stage.name.as_str();
        let mut all = tags;
        all.extend(subject::tags(execution));
        Beginning {
            attempt: execution.attempt.to_owned(),
            stage: stage.to_owned(),
            key: execution.entry.key.to_string(),
            experiment: said.experiment.unwrap_or_else(|| self.experiment.clone()),
            new: NewRun {
                experiment: 0,
                name: Some(said.name.unwrap_or_else(|| stage.to_owned())),
                user: self.user.clone(),
                start_time: i64::try_from(execution.started).unwrap_or(i64::MAX),
                tags: all,
            },
            // What a command logs itself must not be there before it: params are written once.
            params: match execution.stage.action {
                Action::Builtin { .. } => subject::params(execution.entry),
                Action::Command(_) => Vec::new(),
            },
            data: subject::datasets(execution.entry),
        }
    }

    /// As of an execution that happens now, with this code.
    fn beginning_now(&self, execution: &Observed<'_>) -> Beginning {
        let tags = self.source.tags(&self.root, &self.file, &self.user);
        self.beginning(execution, tags)
    }
}

impl Observer for Recorder {
    fn observes(&self, stage: &StageSpec) -> bool {
        subject::is_tracked(stage)
    }

    fn begins(&self, execution: &Observed<'_>) -> Variables {
        self.begin(self.beginning_now(execution), execution.stage)
    }

    fn ends(&self, execution: &Observed<'_>, end: &ObservedEnd<'_>) {
        self.end(self.beginning_now(execution), execution, end);
    }

    fn is_settled(&self) -> bool {
        self.is_settled.load(Ordering::Relaxed)
    }
}
