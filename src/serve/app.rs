//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hpipe_track::ledger::{Clock, new_id};
use hpipe_track::predictions::PredictionLog;

use crate::journal::Journal;
use crate::lineup::{Lineup, Served, Stand};
use crate::metrics::Metrics;
use crate::request_id::RequestIds;
use crate::shadow::Shadow;
use crate::source::{Setup, Source, StartError};
use crate::{Options, Report, Token};

pub(crate) struct App {
    pub(crate) stand: Stand,
    pub(crate) options: Options,
    pub(crate) metrics: Metrics,
    pub(crate) ids: RequestIds,
    pub(crate) clock: Clock,
    /// Takes what was answered, where that is logged.
    pub(crate) journal: Option<Journal>,
    /// Takes what was asked, where a shadow sees it.
    pub(crate) shadow: Option<Shadow>,
    /// What whoever asks must know.
    pub(crate) token: Option<Token>,
    pub(crate) report: Report,
    /// Whether the server ends: it answers, and asks for no more.
    pub(crate) is_ending: AtomicBool,
    in_work: AtomicUsize,
}

/// A request that is worked on.
pub(crate) struct Permit(Arc<App>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.in_work.fetch_sub(1, Ordering::AcqRel);
    }
}

impl App {
    /// Loads what shall be served.
    pub(crate) fn new(
        setup: Setup,
    ) -> Result<(Arc<Self>, Source, Option<PredictionLog>), StartError> {
        let Setup {
            ledger,
            model,
            canaries,
            shadow,
            token,
            tls: _,
            loader,
            log,
            options,
            clock,
            report,
        } = setup;
        let has_shadow = shadow.is_some();
        let source = Source {
            ledger,
            model,
            canaries,
            shadow,
            loader,
            clock: clock.clone(),
        };
        let lineup = |metrics: &Metrics| source.lineup(metrics);
        let app = Self {
            journal: log.is_some().then(Journal::default),
            shadow: has_shadow.then(Shadow::default),
            token,
            ..Self::of(lineup, options, clock, report)?
        };
        Ok((Arc::new(app), source, log))
    }

    /// One that serves what `lineup` makes, to everybody, and logs nothing.
    pub(crate) fn of(
        lineup: impl FnOnce(&Metrics) -> Result<Lineup, StartError>,
        options: Options,
        clock: Clock,
        report: Report,
    ) -> Result<Self, StartError> {
        let metrics = Metrics::default();
        Ok(Self {
            stand: Stand::new(lineup(&metrics)?),
            options,
            metrics,
            ids: RequestIds::new(&new_id()?),
            clock,
            journal: None,
            shadow: None,
            token: None,
            report,
            is_ending: AtomicBool::new(false),
            in_work: AtomicUsize::new(0),
        })
    }

    /// Lets a request be worked on, if not too many are.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Permit> {
        let before = self.in_work.fetch_add(1, Ordering::AcqRel);
        let permit = Permit(self.clone()); // given back also when it is one too many
        (before < self.options.limits.requests).then_some(permit)
    }

    /// Requests that are worked on.
    pub(crate) fn in_work(&self) -> usize {
        self.in_work.load(Ordering::Relaxed)
    }

    /// The version that speaks for the server.
    pub(crate) fn primary(&self) -> Arc<Served> {
        self.stand.now().primary.clone()
    }
}
