//! Sees to it that the ledger has what `register` stages made.
//!
//! A stage writes files and nothing else; so `repro` hands what they made to a [`Registrar`], whether the stage executed, was
//! restored or is up to date. A record that has a version is left alone, so a fresh database, a restored cache or a second
//! `repro` end the same way: one version a record.
//!
//! What was found registered is noted below the cache, so that a `repro` with nothing to do need not read the pipeline to
//! know that the ledger still has it ([`noted`], docs/formats/registered.md).

mod files;
mod lineage;
mod noted;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hpipe_core::ProjectPath;
use hpipe_engine::{Recipient, Workspace};
use hpipe_spec::{Action, StageSpec};
use hpipe_track::Ledger;
use hpipe_track::ledger::{Gauge, NewRegistration, Registered};
use hpipe_track::registry::{REGISTER, Record};

use crate::error::Error;
use crate::gauge;
use crate::json;
use crate::recording;
use crate::session::Session;
use crate::ui::{self, Ui};
pub(crate) use files::taken_in;
pub(crate) use lineage::{lineage_of, texts_of};
use noted::Noted;

/// The folder, from the project's root, of what cannot be computed again.
pub(crate) const MODELS: &str = "models";

/// Registers what stages made.
pub(crate) struct Registrar {
    ui: Arc<Ui>,
    as_json: bool,
    root: PathBuf,
    user: Option<String>,
    gauge: Arc<dyn Gauge>,
    /// Whether nobody asks for failures, so that they are told at once.
    tells: bool,
    /// Why something could not be registered.
    failure: Mutex<Option<Error>>,
}

impl Registrar {
    /// Registers in the project at `root`; `tells` what fails at once if nobody will ask for it.
    pub(crate) fn new(session: &Session, as_json: bool, root: &Path, tells: bool) -> Self {
        Self {
            ui: session.ui.clone(),
            as_json,
            root: root.to_owned(),
            user: session.user(),
            gauge: gauge::gauge(session, root.to_owned()),
            tells,
            failure: Mutex::default(),
        }
    }

    /// Why something could not be registered, if so it was.
    pub(crate) fn failure(&self) -> Option<Error> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    fn register(&self, workspace: &Workspace, stage: &StageSpec) -> Result<(), Error> {
        let path = record_path(stage);
        let on_disk = path.on_disk(workspace.store().root());
        let text = std::fs::read_to_string(&on_disk).map_err(|source| Error::File {
            attempt: "read",
            path: on_disk,
            source,
        })?;
        let record = Record::parse(text.as_bytes(), path.as_str())?;
        let digest = Record::digest_of(text.as_bytes());
        let models = self.root.join(MODELS);
        let known = Ledger::look(&models, |records| {
            records.version_of_record(&record.name, &digest)
        });
        if !matches!(known, Ok(Some(Some(_)))) {
            let registered = self.make(workspace, stage, record.clone(), text)?;
            self.tell(stage, &record.name, &registered);
        }
        Noted::add(workspace, &stage.name, &record.name, &digest)
    }

    fn make(
        &self,
        workspace: &Workspace,
        stage: &StageSpec,
        record: Record,
        text: String,
    ) -> Result<Registered, Error> {
        let ledger = open_ledger(&self.root)?.with_gauge(self.gauge.clone());
        let lineage = lineage_of(workspace, &stage.name)?;
        let texts = texts_of(workspace);
        let files = taken_in(
            &ledger,
            workspace.store().root(),
            &record,
            &text,
            Some(&lineage),
            &texts,
        )?;
        let new = NewRegistration {
            record,
            text,
            lineage: Some(lineage),
            files,
            user: self.user.clone(),
            renews: false,
        };
        Ok(ledger.register(new)?)
    }

    fn tell(&self, stage: &StageSpec, name: &str, registered: &Registered) {
        match self.as_json {
            true => self.ui.data(&json::registered(
                Some(stage.name.as_str()),
                name,
                registered,
            )),
            false => self.ui.note(&ui::registered_line(name, registered)),
        }
    }
}

/// Opens the ledger of the project at `root`, making it if need be.
pub(crate) fn open_ledger(root: &Path) -> Result<Ledger, Error> {
    let clock = Arc::new(hpipe_store::now_millis);
    Ok(Ledger::open(&root.join(MODELS), clock)?)
}

/// Where a `register` stage writes its record.
fn record_path(stage: &StageSpec) -> &ProjectPath {
    let is_record = |role: &str| role == "record";
    let mut outs = stage.outs.iter();
    match outs.find(|out| out.role.as_ref().is_some_and(|role| is_record(&role.name))) {
        Some(out) => &out.path,
        None => panic!("bug: a `{REGISTER}` stage without its record was executed"),
    }
}

impl Recipient for Registrar {
    fn wants(&self, stage: &StageSpec) -> bool {
        matches!(&stage.action, Action::Builtin { name, .. } if name == REGISTER)
    }

    fn take(&self, workspace: &Workspace, stages: &[&StageSpec]) -> bool {
        recording::keep_out_of_git(workspace.store(), &self.ui);
        for stage in stages {
            if let Err(error) = self.register(workspace, stage) {
                if self.tells {
                    error.report(&self.ui, self.as_json);
                    return false;
                }
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(error);
                return false;
            }
        }
        true
    }

    fn standing(&self) -> Vec<u8> {
        Noted::standing(&self.root)
    }
}
