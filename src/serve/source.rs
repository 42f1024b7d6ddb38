//! Where versions come from: the records, through the loader.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use hpipe_core::{Digest, ModelLoader, Predictor};
use hpipe_track::ledger::{Clock, ModelVersion, VersionFiles};
use hpipe_track::predictions::PredictionLog;
use hpipe_track::registry::ModelReference;
use hpipe_track::{Ledger, LedgerError};
use hyper::header::HeaderValue;

use crate::lineup::{Lineup, Served};
use crate::metrics::Metrics;
use crate::rows::Shape;
use crate::{Options, Report, Share, Tls, Token};

/// What a server is made of.
pub struct Setup {
    /// The records.
    pub ledger: Arc<Ledger>,
    /// Which version answers; whenever it means another, that one does.
    pub model: ModelReference,
    /// Other versions of that model that answer a share of requests.
    pub canaries: Vec<Canary>,
    /// A version that sees what is asked, and is not heard.
    pub shadow: Option<ModelReference>,
    /// What whoever asks must know, if something.
    pub token: Option<Token>,
    /// How connections are kept secret, if they are.
    pub tls: Option<Tls>,
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

/// A version that answers a share of requests.
#[derive(Debug, Clone)]
pub struct Canary {
    /// Which version; whenever it means another, that one does.
    pub model: ModelReference,
    /// How many.
    pub share: Share,
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
    /// What the connections should be kept secret with is no good.
    #[error("use the certificate and its key: {reason}")]
    Tls {
        /// What is wrong with them.
        reason: String,
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
    pub(crate) canaries: Vec<Canary>,
    pub(crate) shadow: Option<ModelReference>,
    pub(crate) loader: Arc<dyn ModelLoader>,
    pub(crate) clock: Clock,
}

impl Source {
    /// All versions that are meant now, loaded.
    pub(crate) fn lineup(&self, metrics: &Metrics) -> Result<Lineup, StartError> {
        let mut known: Vec<Arc<Served>> = Vec::new();
        let mut load = |reference: &ModelReference| {
            let served = self.current(reference, &known, metrics)?;
            known.push(served.clone());
            Ok::<_, StartError>(served)
        };
        let primary = load(&self.model)?;
        let canaries = self.canaries.iter();
        let canaries = canaries.map(|canary| Ok((load(&canary.model)?, canary.share)));
        let canaries = canaries.collect::<Result<_, StartError>>()?;
        Ok(Lineup {
            primary,
            canaries,
            shadow: self.shadow.as_ref().map(load).transpose()?,
        })
    }

    /// The version that is meant now: one of those that are loaded already, if it is one, else loaded anew.
    pub(crate) fn current(
        &self,
        reference: &ModelReference,
        known: &[Arc<Served>],
        metrics: &Metrics,
    ) -> Result<Arc<Served>, StartError> {
        let meant = self.ledger.read(|records| records.referred(reference))?;
        let digest = self.digest(&meant)?;
        let is_meant = |served: &&Arc<Served>| {
            let of = (&served.name, served.version, served.created);
            of == (&meant.name, meant.version, meant.created) && digest == Some(served.digest)
        };
        match known.iter().find(is_meant) {
            Some(served) => Ok(served.clone()),
            None => Ok(Arc::new(self.load(&meant, metrics)?)),
        }
    }

    /// The digest of a version's model, as it is recorded.
    fn digest(&self, version: &ModelVersion) -> Result<Option<Digest>, StartError> {
        let (name, number) = (&version.name, version.version);
        let known = self
            .ledger
            .read(|records| records.registration(name, number))?;
        Ok(known.and_then(|known| known.record.model().map(|model| model.digest)))
    }

    /// Reads, verifies and loads a version.
    fn load(&self, version: &ModelVersion, metrics: &Metrics) -> Result<Served, StartError> {
        let files = self.ledger.version_files(version)?;
        let title = format!("{}/{}", version.name, version.version);
        let loaded = Loaded::new(&files, &*self.loader);
        let loaded = loaded.map_err(|reason| StartError::Load { title, reason })?;
        let identity = Identity {
            name: version.name.clone(),
            version: version.version,
            created: version.created,
            stage: version.stage.clone(),
        };
        Ok(loaded.served(identity, (self.clock)(), metrics))
    }
}

/// Which version a model is.
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) version: i64,
    pub(crate) created: i64,
    pub(crate) stage: String,
}

/// A model that was made of files.
pub(crate) struct Loaded {
    digest: Digest,
    pub(crate) predictor: Arc<dyn Predictor>,
}

impl Loaded {
    /// Loads one; a loader that panics on damaged bytes must not end a server that has a model.
    pub(crate) fn new(files: &VersionFiles, loader: &dyn ModelLoader) -> Result<Self, String> {
        let load = std::panic::AssertUnwindSafe(|| loader.load(files.as_files()));
        let loaded = std::panic::catch_unwind(load)
            .unwrap_or_else(|_| Err("the loader panicked: this is a bug in hpipe".to_owned()));
        Ok(Self {
            digest: files.digest,
            predictor: loaded?,
        })
    }

    /// It as this version.
    pub(crate) fn served(self, version: Identity, since: i64, metrics: &Metrics) -> Served {
        let Self { digest, predictor } = self;
        let card = predictor.card();
        Served {
            shape: Shape::new(&card.inputs, &card.target, predictor.profile()),
            name_header: header(&version.name),
            version_header: HeaderValue::from(version.version),
            metrics: metrics.of_version(&version.name, version.version),
            name: version.name,
            version: version.version,
            created: version.created,
            stage: version.stage,
            digest,
            since,
            predictor,
        }
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
