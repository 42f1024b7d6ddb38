//! Where versions come from: the records, through the loader.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use hpipe_core::{Digest, ModelLoader};
use hpipe_track::ledger::{Clock, ModelVersion};
use hpipe_track::predictions::PredictionLog;
use hpipe_track::registry::ModelReference;
use hpipe_track::{Ledger, LedgerError};
use hyper::header::HeaderValue;

use crate::lineup::Served;
use crate::metrics::Metrics;
use crate::rows::Shape;
use crate::{Options, Report};

/// What a server is made of.
pub struct Setup {
    /// The records.
    pub ledger: Arc<Ledger>,
    /// Which version answers; whenever it means another, that one does.
    pub model: ModelReference,
    /// Makes predictors of files.
    pub loader: Arc<dyn ModelLoader>,
    /// Where predictions are logged, if they are.
    pub log: Option<PredictionLog>,
    /// What may be chosen.
    pub options: Options,
    /// The time, for logs.
    pub clock: Clock,
    /// Is told what whoever runs the server should know.
    pub report: Report,
}

/// Why a server could not be started, or ended.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nobody may listen there, or somebody does already.
    #[error("listen on {host}:{port}")]
    Listen {
        /// The address asked for.
        host: String,
        /// The port asked for.
        port: u16,
        /// Why not.
        source: io::Error,
    },
    /// Threads cannot be had, or the network is gone.
    #[error("serve")]
    Serve(#[source] io::Error),
    /// The records could not.
    #[error(transparent)]
    Records(#[from] LedgerError),
    /// The files of the version make no model.
    #[error("load {title}: {reason}")]
    Load {
        /// The version.
        title: String,
        /// What is wrong with them.
        reason: String,
    },
}

/// Loads versions.
pub(crate) struct Source {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) model: ModelReference,
    pub(crate) loader: Arc<dyn ModelLoader>,
    pub(crate) clock: Clock,
}

impl Source {
    /// The version that is meant now.
    pub(crate) fn meant(&self) -> Result<ModelVersion, StartError> {
        Ok(self.ledger.read(|records| records.referred(&self.model))?)
    }

    /// The digest of a version's model, as it is recorded.
    pub(crate) fn digest(&self, version: &ModelVersion) -> Result<Option<Digest>, StartError> {
        let (name, number) = (&version.name, version.version);
        let known = self
            .ledger
            .read(|records| records.registration(name, number))?;
        Ok(known.and_then(|known| known.record.model().map(|model| model.digest)))
    }

    /// Reads, verifies and loads a version.
    pub(crate) fn load(
        &self,
        version: &ModelVersion,
        metrics: &Metrics,
    ) -> Result<Served, StartError> {
        let files = self.ledger.version_files(version)?;
        let title = format!("{}/{}", version.name, version.version);
        let refused = |reason| StartError::Load { title, reason };
        // A loader that panics on damaged bytes must not end a server that has a model.
        let load = std::panic::AssertUnwindSafe(|| self.loader.load(files.as_files()));
        let loaded = std::panic::catch_unwind(load)
            .unwrap_or_else(|_| Err("the loader panicked: this is a bug in hpipe".to_owned()));
        let predictor = loaded.map_err(refused)?;
        let card = predictor.card();
        Ok(Served {
            shape: Shape::new(&card.inputs, &card.target, predictor.profile()),
            name: version.name.clone(),
            version: version.version,
            created: version.created,
            stage: version.stage.clone(),
            digest: files.digest,
            since: (self.clock)(),
            name_header: header(&version.name),
            version_header: HeaderValue::from(version.version),
            metrics: metrics.of_version(&version.name, version.version),
            predictor,
        })
    }
}

/// A name in a header: what headers cannot hold is percent-encoded.
fn header(name: &str) -> HeaderValue {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'%' => text += "%25",
            0x21..=0x7e | b' ' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02X}"); // to a String it cannot fail
            }
        }
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("?"))
}
