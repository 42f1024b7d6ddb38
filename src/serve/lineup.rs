//! The versions that answer: immutable, exchanged as a whole, so that every answer is of exactly one.

use std::sync::{Arc, PoisonError, RwLock};

use hpipe_core::{Digest, Predictor};
use hyper::header::HeaderValue;

use crate::metrics::VersionMetrics;
use crate::rows::Shape;

/// A version, loaded.
pub(crate) struct Served {
    /// The registered model.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: i64,
    /// When it was registered, in milliseconds since 1970, UTC: numbers are given anew once a model is deleted.
    pub(crate) created: i64,
    /// Where it stood when it was loaded.
    pub(crate) stage: String,
    /// The digest of the model's bytes.
    pub(crate) digest: Digest,
    /// When it began to be served, in milliseconds since 1970, UTC.
    pub(crate) since: i64,
    pub(crate) predictor: Arc<dyn Predictor>,
    pub(crate) shape: Shape,
    pub(crate) name_header: HeaderValue,
    pub(crate) version_header: HeaderValue,
    pub(crate) metrics: Arc<VersionMetrics>,
}

impl Served {
    /// `house/3`.
    pub(crate) fn title(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// Who answers.
pub(crate) struct Lineup {
    pub(crate) primary: Arc<Served>,
}

/// The lineup of the moment.
pub(crate) struct Stand(RwLock<Arc<Lineup>>);

impl Stand {
    pub(crate) fn new(lineup: Lineup) -> Self {
        Self(RwLock::new(Arc::new(lineup)))
    }

    /// Who answers now; whoever asked keeps it until it has answered.
    pub(crate) fn now(&self) -> Arc<Lineup> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Lets another lineup answer from now on.
    pub(crate) fn exchange(&self, lineup: Lineup) -> Arc<Lineup> {
        let mut now = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *now, Arc::new(lineup))
    }
}
