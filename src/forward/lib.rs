//! Sends what is recorded here to an existing MLflow server: runs, logged models, registered models.
//!
//! Everything is recorded here first; [`forward`] sends what the server does not have yet, in the order it was made, and
//! notes what it is called there (`ledger::forwarded`). So it may end at any point and be called again: a run that was
//! begun and not finished is found by its note or by the tag [`ORIGIN`] and completed, never made twice. What the server
//! refuses is told and does not keep the rest from being sent.
//!
//! `remote` speaks HTTP, `wire` writes protobuf's JSON, `runs`, `logged` and `versions` send one of each. Deliberately prints
//! nothing, and changes nothing here but those notes.

mod hook;
mod logged;
mod remote;
mod runs;
mod versions;
mod wire;

use hpipe_track::{Ledger, LedgerError};

use std::time::Duration;

pub use hook::Hook;
use remote::Remote;

/// How long a server may think before it answers, unless somebody says.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server of MLflow, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination<'a> {
    /// `http://HOST:PORT`.
    pub address: &'a str,
    /// What opens it, if it needs something.
    pub token: Option<&'a str>,
    /// How long it may take until an answer begins, and between some bytes and the next ones.
    pub patience: Duration,
}

/// The tag that says what a run or version is called where it comes from.
pub const ORIGIN: &str = "hpipe.origin";

/// Why something could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none, or needs what this hpipe lacks.
    #[error("send to {server}: {reason}")]
    BadAddress {
        /// The address.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers, or not to the end.
    #[error("send to {server}")]
    Unreachable {
        /// The address.
        server: String,
        /// Why.
        source: Box<ureq::Error>,
    },
    /// The server answered something else than it was asked.
    #[error("send to {server}: {call} was answered with {status}: {message}")]
    Refused {
        /// The address.
        server: String,
        /// What was called.
        call: String,
        /// The status of the answer.
        status: u16,
        /// MLflow's word for what is wrong, if it said one.
        word: Option<String>,
        /// What it said.
        message: String,
    },
    /// The server has its clients keep files themselves.
    #[error(
        "send files to {server}: it has clients write to {uri} themselves; start it with `--serve-artifacts`"
    )]
    Elsewhere {
        /// The address.
        server: String,
        /// Where the files should go.
        uri: String,
    },
    /// The records here cannot be read, or what was sent cannot be noted.
    #[error(transparent)]
    Records(#[from] LedgerError),
    /// The records cannot be locked.
    #[error("lock {}", path.display())]
    Lock {
        /// Their folder.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// The result of sending.
pub type Result<T> = std::result::Result<T, Error>;

/// What was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// How many runs.
    pub runs: usize,
    /// How many versions of registered models are there now, or stand elsewhere now.
    pub versions: usize,
    /// What the server refused, in words; it is tried again next time.
    pub refused: Vec<String>,
}

impl Forwarded {
    /// Whether nothing was to be sent.
    pub const fn is_nothing(&self) -> bool {
        self.runs == 0 && self.versions == 0 && self.refused.is_empty()
    }
}

/// Waits until nobody else sends what is recorded here: what two look for and neither finds, both would make.
///
/// The folder is locked, not the database: a process that closes a file loses all locks of SQLite's on it.
fn alone(ledger: &Ledger) -> Result<std::fs::File> {
    let path = ledger.path().parent().unwrap_or(ledger.path());
    let locked = std::fs::File::open(path).and_then(|file| file.lock().map(|()| file));
    locked.map_err(|source| Error::Lock {
        path: path.to_owned(),
        source,
    })
}

/// Sends what a server does not have; `told` hears each run and version before it is sent.
///
/// # Errors
/// When the server cannot be reached, or the records cannot be read or written; what was sent before is noted.
pub fn forward(
    ledger: &Ledger,
    to: &Destination<'_>,
    told: &mut dyn FnMut(&str),
) -> Result<Forwarded> {
    let mut done = Forwarded::default();
    let server = to.address.trim_end_matches('/');
    let _alone = alone(ledger)?;
    let runs = ledger.read(|records| records.runs_to_forward(server))?;
    let versions = versions::to_send(ledger, server)?;
    if runs.is_empty() && versions.is_empty() {
        return Ok(done); // nobody is asked for nothing
    }
    let remote = Remote::new(server, to)?;
    for run in &runs {
        told(&format!("run {run}"));
        count(runs::send(ledger, &remote, run), &mut done, |done| {
            &mut done.runs
        })?;
    }
    for version in &versions {
        told(&format!("{}/{}", version.name, version.version));
        count(
            versions::send(ledger, &remote, version),
            &mut done,
            |done| &mut done.versions,
        )?;
    }
    Ok(done)
}

/// Counts what was sent; a refusal is kept, any other failure ends it.
fn count(
    sent: Result<bool>,
    done: &mut Forwarded,
    counter: impl FnOnce(&mut Forwarded) -> &mut usize,
) -> Result<()> {
    match sent {
        Ok(is_sent) => {
            *counter(done) += usize::from(is_sent);
            Ok(())
        }
        Err(error @ (Error::Refused { .. } | Error::Elsewhere { .. })) => {
            done.refused.push(error.to_string());
            Ok(())
        }
        Err(Error::Records(error @ LedgerError::DamagedArtifact { .. })) => {
            done.refused.push(hpipe_core::with_causes(&error));
            Ok(())
        }
        Err(error) => Err(error),
    }
}
