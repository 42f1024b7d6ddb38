//! The records of a project: experiments, runs, logged models, registered models, artifacts.
//!
//! [`Ledger`] is one SQLite file, `track.db`, and a folder of artifacts kept by content beside it, both in `models/`. All
//! SQL of hpipe stands in this module. [`Ledger::read`] hands out [`Records`], a consistent view; [`Ledger::write`] hands
//! out a [`Change`], which is a view that can also be changed: everything done to one `Change` happens together or not at
//! all, and has reached the disk when `write` returns. Writes of many threads share one transaction and one sync
//! (`writer`).
//!
//! The words, rules, limits and sentences are MLflow's, because its client reads them; what HTTP and JSON make of them is
//! the server's business. The clock is handed in. Documented in docs/formats/track_db.md.

mod artifacts;
mod batch;
mod changes;
mod collection;
mod database;
mod datasets;
mod error;
mod executions;
mod experiments;
mod forwarded;
mod gauge;
mod history;
mod limits;
mod logged_models;
mod metrics;
mod model_files;
mod model_versions;
mod posted;
mod promotion;
mod query;
mod registered_models;
mod registrations;
mod run_data;
mod run_names;
mod runs;
mod search;
mod stages;
mod values;
mod verification;
mod writer;

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hpipe_store::Keep;
use rusqlite::Connection;

use writer::{Reply, Safety, Writer};

pub use artifacts::{ArtifactEntry, StoredArtifact};
pub use batch::Batch;
pub use changes::Changes;
pub use collection::{Garbage, Swept};
pub use error::{LedgerError, Refusal, Result};
pub use executions::{ExecutionEnd, ExecutionRecord, MadeModel, RunResults};
pub use experiments::NewExperiment;
pub use forwarded::{ForwardKind, ForwardRecord};
pub use gauge::Gauge;
pub use history::{HistoryEvent, Transition};
pub use hpipe_store::{Incoming as ArtifactWriter, Parked as ParkedArtifact};
pub use logged_models::NewLoggedModel;
pub use model_files::VersionFiles;
pub use model_versions::NewModelVersion;
pub use posted::PostedAlert;
pub use promotion::{Promoted, Promotion, RolledBack, Tenure};
pub use query::{ExperimentQuery, LoggedModelQuery, ModelOrder, Page, RegistryQuery, RunQuery};
pub use registrations::{NewRegistration, Registered, Registration};
pub use runs::{NewRun, RunUpdate};
pub use stages::{Stage, Stages};
pub use values::{
    Dataset, DatasetFilter, DatasetInput, DatasetUse, Experiment, Lifecycle, LoggedModel, Metric,
    ModelOutput, ModelVersion, Pair, RegisteredModel, Run, RunData, RunInfo, RunInputs, View,
};

/// The database's name in the folder of models.
const DATABASE: &str = "track.db";

/// The name of the folder of artifacts beside it.
const ARTIFACTS: &str = "artifacts";

/// Connections for reading that are kept open.
const IDLE_READERS: usize = 4;

/// Says what time it is: milliseconds since 1970, UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Everything recorded in one project. May be used from many threads, and by several processes at once.
pub struct Ledger {
    path: PathBuf,
    // Before the writer: fields are dropped in order, and only one that may write takes the log of the database away.
    readers: Mutex<Vec<Connection>>,
    /// None where nothing may be changed.
    writer: Option<Writer>,
    keep: Keep,
    clock: Clock,
    stages: Arc<Stages>,
    gauge: Option<Arc<dyn Gauge>>,
}

/// What is recorded, as it was at one moment.
pub struct Records<'a> {
    connection: &'a Connection,
    stages: &'a Stages,
}

/// A view that can be changed; all its changes happen, or none.
pub struct Change<'a> {
    records: Records<'a>,
    now: i64,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").field("path", &self.path).finish()
    }
}

impl Records<'_> {
    /// The stages that versions may stand in.
    pub const fn stages(&self) -> &Stages {
        self.stages
    }
}

impl<'a> Deref for Change<'a> {
    type Target = Records<'a>;

    fn deref(&self) -> &Records<'a> {
        &self.records
    }
}

impl Ledger {
    /// Opens the records in the folder `models`, making or migrating them if need be.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] when the file is no database of ours, [`LedgerError::Newer`] when a newer hpipe wrote it,
    /// and what the machine refuses.
    pub fn open(models: &Path, clock: Clock) -> Result<Self> {
        std::fs::create_dir_all(models).map_err(|source| {
            LedgerError::Files(hpipe_store::Error::CreateFolder {
                path: models.to_path_buf(),
                source,
            })
        })?;
        let path = models.join(DATABASE);
        let connection = database::open_writer(&path)?;
        let ledger = Self {
            writer: Some(Writer::start(connection, path.clone())),
            readers: Mutex::default(),
            keep: Keep::new(models.join(ARTIFACTS)),
            path,
            clock,
            stages: Arc::default(),
            gauge: None,
        };
        ledger.write(|change| change.ensure_default_experiment())?;
        Ok(ledger)
    }

    /// Opens the records in the folder `models` where nothing can or shall be written; every change is refused.
    ///
    /// # Errors
    /// As of [`open`](Self::open), and when an older hpipe wrote them: nothing is migrated.
    pub fn open_to_read(models: &Path, clock: Clock) -> Result<Self> {
        let path = models.join(DATABASE);
        let connection = database::open_reader(&path)?;
        database::check_current(&connection, &path)?;
        Ok(Self {
            writer: None,
            readers: Mutex::default(),
            keep: Keep::new(models.join(ARTIFACTS)),
            path,
            clock,
            stages: Arc::default(),
            gauge: None,
        })
    }

    /// The same, where versions may stand in these stages.
    #[must_use]
    pub fn with_stages(mut self, stages: Stages) -> Self {
        self.stages = Arc::new(stages);
        self
    }

    /// The same, with somebody who measures what gates ask for.
    #[must_use]
    pub fn with_gauge(mut self, gauge: Arc<dyn Gauge>) -> Self {
        self.gauge = Some(gauge);
        self
    }

    /// Whether something is recorded in the folder `models`.
    pub fn exists(models: &Path) -> bool {
        models.join(DATABASE).exists()
    }

    /// Reads what is recorded in the folder `models`, without a thread that writes, without making or migrating anything;
    /// none when nothing is recorded there.
    ///
    /// # Errors
    /// What `work` fails with, and what the machine refuses; a database of an older hpipe lacks tables.
    pub fn look<T>(
        models: &Path,
        work: impl FnOnce(&Records<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        if !Self::exists(models) {
            return Ok(None);
        }
        let path = models.join(DATABASE);
        let connection = database::open_reader(&path)?;
        let stages = Stages::default();
        let result = read_on(&connection, &stages, work).map_err(|error| error.about(&path))?;
        Ok(Some(result))
    }

    /// The stages that versions may stand in.
    pub fn stages(&self) -> &Stages {
        &self.stages
    }

    /// The database.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is recorded at this moment.
    ///
    /// # Errors
    /// What `work` fails with, and what the machine refuses.
    pub fn read<T>(&self, work: impl FnOnce(&Records<'_>) -> Result<T>) -> Result<T> {
        let connection = self.reader()?;
        let result =
            read_on(&connection, &self.stages, work).map_err(|error| error.about(&self.path));
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // a connection that may hold a frozen view of the file does not see what comes after it
        if self.writer.is_some() && idle.len() < IDLE_READERS {
            idle.push(connection);
        }
        result
    }

    /// Changes what is recorded: all that `work` does, durably, or, when it fails, nothing.
    ///
    /// # Errors
    /// What `work` fails with, and what the machine refuses.
    pub fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        self.submit(work, move |result| {
            let _ = sender.send(result); // whoever asked waits for it
        });
        receiver.recv().unwrap_or(Err(LedgerError::Closed))
    }

    /// As [`write`](Self::write), but returns at once; `reply` is called, on the writer's thread, when the change has
    /// reached the disk or failed. If the writer ends first, it is dropped without being called.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        self.hand_over(Safety::Now, work, reply);
    }

    /// As [`submit`](Self::submit), but `reply` is called once the change would survive the death of this program; the disk has it
    /// a second later, and before anything that is acknowledged after it by the other ways. For values that a run logs.
    pub fn submit_soon<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        self.hand_over(Safety::Soon, work, reply);
    }

    fn hand_over<T: Send + 'static>(
        &self,
        safety: Safety,
        work: impl FnOnce(&Change<'_>) -> Result<T> + Send + 'static,
        reply: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let (now, stages) = ((self.clock)(), self.stages.clone());
        let work = move |connection: &Connection| {
            let stages = &*stages;
            work(&Change {
                records: Records { connection, stages },
                now,
            })
        };
        match &self.writer {
            Some(writer) => writer.submit(safety, work, Box::new(reply) as Reply<T>),
            None => reply(Err(LedgerError::ReadOnly {
                path: self.path.clone(),
            })),
        }
    }

    /// Watches for changes, of whichever process.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn changes(&self) -> Result<Changes> {
        Changes::of(&self.path)
    }

    fn reader(&self) -> Result<Connection> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        match idle {
            Some(connection) => Ok(connection),
            None => database::open_reader(&self.path),
        }
    }
}

/// Reads within one transaction, so that all statements see the same moment.
fn read_on<T>(
    connection: &Connection,
    stages: &Stages,
    work: impl FnOnce(&Records<'_>) -> Result<T>,
) -> Result<T> {
    let moment = connection.unchecked_transaction()?;
    let result = work(&Records {
        connection: &moment,
        stages,
    });
    moment.finish()?;
    result
}

/// A new id of 32 hexadecimal digits, as a random UUID without its hyphens.
///
/// # Errors
/// When the system has no random numbers.
pub fn new_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| LedgerError::Random(error.to_string()))?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Says what is wrong with the name of a registered model, if something is.
///
/// # Errors
/// That.
pub fn check_model_name(name: &str) -> Result<()> {
    limits::model_name(name)
}
