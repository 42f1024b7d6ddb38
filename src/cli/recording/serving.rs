//! The tracking server for commands: on a free port of this machine, as long as hpipe executes, so that MLflow's client in a
//! tracked command logs to the command's own run without being told anything.

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use hpipe_core::with_causes;
use hpipe_engine::Variables;
use hpipe_server::{Server, Stopper};
use hpipe_track::Ledger;
use hpipe_track::ledger::{Gauge, RunInfo, Stages};

use crate::gauge;
use crate::session::Session;
use crate::ui::Ui;

/// Nobody but this machine can ask.
const HOST: &str = "127.0.0.1";

/// What the project says of versions of models, for a command may move them: the stages there are, and who does what gates ask for.
#[derive(Clone)]
pub(super) struct Registry {
    stages: Stages,
    gauge: Arc<dyn Gauge>,
}

impl Registry {
    pub(super) fn new(session: &Session, root: &Path) -> Self {
        Self {
            stages: session.stages().clone(),
            gauge: gauge::gauge(session, root.to_owned()),
        }
    }

    fn of(&self, ledger: Ledger) -> Ledger {
        ledger
            .with_stages(self.stages.clone())
            .with_gauge(self.gauge.clone())
    }
}

/// A server at work; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Serving {
    url: String,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// Starts a server on the records in `models`; none if that cannot be, which is told: the command then runs without.
    pub(super) fn start(models: &Path, registry: &Registry, ui: &Arc<Ui>) -> Option<Self> {
        let ledger = Ledger::open(models, Arc::new(hpipe_store::now_millis));
        let ledger = ledger
            .map(|ledger| registry.of(ledger))
            .map_err(|error| with_causes(&error));
        let teller = ui.clone();
        let report = Box::new(move |fault: &str| teller.warning(fault));
        let bound = ledger.and_then(|ledger| {
            Server::bind(ledger, HOST, 0, report).map_err(|error| with_causes(&error))
        });
        match bound {
            Ok(server) => Some(Self::run(server)),
            Err(why) => {
                ui.warning(&format!(
                    "commands cannot log to their runs: failed to {why}"
                ));
                None
            }
        }
    }

    fn run(server: Server) -> Self {
        let url = format!("http://{}", server.address());
        let stopper = server.stopper();
        let thread = std::thread::spawn(move || drop(server.run())); // what it refuses, its clients are told
        Self {
            url,
            stopper,
            thread: Some(thread),
        }
    }

    /// What MLflow's client needs to log to a run.
    pub(super) fn variables(&self, run: &RunInfo) -> Variables {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            variable("MLFLOW_TRACKING_URI", &self.url),
            variable("MLFLOW_RUN_ID", &run.id),
            variable("MLFLOW_EXPERIMENT_ID", &run.experiment.to_string()),
        ]
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
