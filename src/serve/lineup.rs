//! The versions that answer: immutable, exchanged as a whole, so that every answer is of exactly one.

use std::sync::{Arc, PoisonError, RwLock};

use hpipe_core::{Digest, Predictor};
use hyper::header::HeaderValue;

use crate::metrics::VersionMetrics;
use crate::rows::Shape;
use crate::shares::{self, Share};

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
    /// Answers what nobody else does.
    pub(crate) primary: Arc<Served>,
    /// Answer a share of requests each.
    pub(crate) canaries: Vec<(Arc<Served>, Share)>,
    /// Sees what was asked, and is not heard.
    pub(crate) shadow: Option<Arc<Served>>,
}

impl Lineup {
    /// The version that answers requests of this key.
    pub(crate) fn of_key(&self, key: &[u8]) -> &Arc<Served> {
        if self.canaries.is_empty() {
            return &self.primary;
        }
        let shares = self.canaries.iter().map(|(_, share)| *share);
        let taker = shares::taker(shares, shares::place(key));
        taker.map_or(&self.primary, |taker| &self.canaries[taker].0)
    }

    /// Those that may answer.
    pub(crate) fn answering(&self) -> impl Iterator<Item = &Arc<Served>> {
        let canaries = self.canaries.iter().map(|(served, _)| served);
        std::iter::once(&self.primary).chain(canaries)
    }

    /// All, with what each is there for and its share of requests.
    pub(crate) fn roles(&self) -> impl Iterator<Item = (&Arc<Served>, &'static str, f64)> {
        let canaries = self.canaries.iter();
        let taken: f64 = canaries.clone().map(|(_, share)| share.fraction()).sum();
        let canaries = canaries.map(|(served, share)| (served, "canary", share.fraction()));
        let shadow = self.shadow.iter().map(|served| (served, "shadow", 0.0));
        let primary = (&self.primary, "primary", (1.0 - taken).max(0.0));
        std::iter::once(primary).chain(canaries).chain(shadow)
    }
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
