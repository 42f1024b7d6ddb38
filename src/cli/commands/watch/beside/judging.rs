//! What is answered, judged while it is answered; and after drift, the rows to learn from.
//!
//! Rows are judged in windows of some hundred: their batches as they come, the whole when the window is full, a batch is critical,
//! another version answers, or all ends. Each window is a run of the experiment `monitoring`; moving averages and what was told go on
//! from one to the next, as long as one version answers. What became true comes later and not in
//! order, so whenever some did, all rows whose truth is known are judged once more, and what was not told before is told.

use std::collections::BTreeSet;
use std::time::Duration;

use hpipe_monitor::{Alert, Kind, Report, Severity};
use hpipe_track::Ledger;
use hpipe_track::ledger::ModelVersion;
use hpipe_track::predictions::{Asked, PredictionLog};

use super::Over;
use crate::args::Monitor;
use crate::commands::models;
use crate::commands::monitor::{
    Pages, Poster, Watched, Watching, existing_log, leave_run, live_settings, write_new_rows,
};
use crate::error::Error;
use crate::session::Session;

/// How often the log is read.
const EVERY: Duration = Duration::from_secs(1);

/// Rows of a window.
const WINDOW: usize = 500;

/// Rows whose truth is known below which nothing is judged by it.
const FEWEST_TRUTHS: usize = 10;

/// What came in, for people.
const ANSWERED: &str = "what was answered";
const KNOWN: &str = "what became true";

/// The newest row of the log, before anything is answered: what comes after it is judged.
pub(super) fn newest(session: &Session) -> Result<i64, Error> {
    let log = existing_log(session)?;
    Ok(log
        .as_ref()
        .map(PredictionLog::newest)
        .transpose()?
        .unwrap_or(0))
}

/// Judges what was answered after the row `begun` of the log, until all is over.
pub(super) fn judged(session: &Session, arguments: &Monitor, begun: i64, over: &Over) {
    let mut judge = Judge {
        session,
        arguments,
        log: None,
        begun,
        version: None,
        failure: None,
        learned_from: 0,
        poster: None,
    };
    let poster = Poster::of(session, arguments).map(|poster| judge.poster = poster);
    judge.note(poster);
    while !over.within(EVERY) {
        let looked = judge.look();
        judge.note(looked);
    }
    let ended = judge.end();
    judge.note(ended);
    judge.version = None;
    if let Some(poster) = judge.poster {
        poster.finish();
    }
}

struct Judge<'a> {
    session: &'a Session,
    arguments: &'a Monitor,
    log: Option<PredictionLog>,
    /// The newest row of the log when all began.
    begun: i64,
    version: Option<Version<'a>>,
    /// What went wrong, as it was told.
    failure: Option<String>,
    /// Rows that were written to be learned from.
    learned_from: usize,
    poster: Option<Poster>,
}

/// The version that answers, and what it answered.
struct Version<'a> {
    model: Watched,
    ledger: Ledger,
    answered: Pages,
    watching: Option<Watching<'a>>,
    started: i64,
    /// Rows of the window.
    rows: usize,
    truths: usize,
    told: BTreeSet<(Kind, String)>,
}

impl<'a> Judge<'a> {
    /// Tells a failure once.
    fn note(&mut self, done: Result<(), Error>) {
        let failure = done.err().map(|error| hpipe_core::with_causes(&error));
        if let Some(text) = failure
            .as_ref()
            .filter(|text| self.failure.as_ref() != Some(text))
        {
            self.session
                .ui
                .warning(&format!("the monitor cannot go on: {text}"));
        }
        self.failure = failure;
    }

    fn look(&mut self) -> Result<(), Error> {
        if self.log.is_none() {
            self.log = existing_log(self.session)?;
        }
        if self.log.is_none() || !self.has_version()? {
            return Ok(());
        }
        self.judge_answers()?;
        self.judge_truths()
    }

    /// Finds out which version answers; the window of one that does no longer ends.
    fn has_version(&mut self) -> Result<bool, Error> {
        let ledger = models::existing_ledger(self.session)?;
        let meant = match &self.arguments.model {
            Some(model) => models::find(&ledger, model),
            None => models::only(&ledger),
        };
        let meant = match meant {
            Ok(meant) => meant,
            Err(Error::Usage { .. }) => return Ok(self.version.is_some()),
            Err(error) => return Err(error),
        };
        let is_same = |known: &Version<'_>| {
            let known = &known.model.version;
            (&known.name, known.version) == (&meant.name, meant.version)
        };
        if !self.version.as_ref().is_some_and(is_same) {
            self.conclude(last)?;
            self.version = Some(Version::new(self.session, ledger, meant, self.begun)?);
        }
        Ok(true)
    }

    fn judge_answers(&mut self) -> Result<(), Error> {
        loop {
            let (Some(version), Some(log)) = (&mut self.version, &self.log) else {
                return Ok(());
            };
            let Some(rows) = version.answered.next(log)? else {
                return Ok(());
            };
            if version.rows == 0 {
                version.started = hpipe_store::now_millis();
            }
            version.rows += rows.rows();
            let watching = match &mut version.watching {
                Some(watching) => watching,
                none => none.insert(watching(
                    self.session,
                    self.arguments,
                    &version.model,
                    ANSWERED,
                    self.poster.as_ref(),
                )),
            };
            watching.push(rows)?;
            if version.rows >= WINDOW || watching.is_critical() {
                self.conclude(|mut watching| Ok((watching.turn(), Some(watching))))?;
            }
        }
    }

    /// Ends the window, if it has rows; `end` says what was seen in it, and who goes on.
    fn conclude(
        &mut self,
        end: impl FnOnce(Watching<'a>) -> Result<(Report, Option<Watching<'a>>), Error>,
    ) -> Result<(), Error> {
        let Some(version) = &mut self.version else {
            return Ok(());
        };
        let Some(watching) = version.watching.take() else {
            return Ok(());
        };
        let report;
        (report, version.watching) = end(watching)?;
        version.rows = 0;
        if report.rows == 0 {
            return Ok(());
        }
        leave_run(
            self.session,
            &version.ledger,
            &version.model,
            (&report, ANSWERED, version.started),
        )?;
        self.tell(&report, |alert| alert.batch.is_none())
    }

    /// Judges all rows whose truth is known, if there are more of them by now.
    fn judge_truths(&mut self) -> Result<(), Error> {
        let (Some(version), Some(log)) = (&mut self.version, &self.log) else {
            return Ok(());
        };
        let begun = self.begun;
        let truths = log.truths(version.asked(), begun)?;
        if truths == version.truths || truths < FEWEST_TRUTHS {
            return Ok(());
        }
        version.truths = truths;
        let started = hpipe_store::now_millis();
        let poster = self.poster.as_ref();
        let model = &version.model;
        let watching = watching(self.session, self.arguments, model, KNOWN, poster);
        let mut watching = watching.quietly();
        let mut pages = Pages::new(&version.model, i64::MIN, begun).labelled();
        while let Some(rows) = pages.next(log)? {
            watching.push(rows)?;
        }
        let report = watching.finish()?;
        leave_run(
            self.session,
            &version.ledger,
            &version.model,
            (&report, KNOWN, started),
        )?;
        self.tell(&report, |_| true)
    }

    /// Tells those of the alerts that were not told of this version, and after drift sees to rows to learn from.
    fn tell(&mut self, report: &Report, which: impl Fn(&&Alert) -> bool) -> Result<(), Error> {
        let Some(version) = &mut self.version else {
            return Ok(());
        };
        let told = &mut version.told;
        let is_new = |alert: &&Alert| {
            alert.severity == Severity::Critical && told.insert((alert.kind, alert.subject.clone()))
        };
        let new: Vec<_> = report.alerts.iter().filter(which).filter(is_new).collect();
        let name = version.model.name();
        if !new.is_empty() {
            let now = hpipe_store::now_millis();
            match self.arguments.json {
                true => self
                    .session
                    .ui
                    .data(&crate::json::alerts(&name, ANSWERED, now, &new)),
                false => self.session.ui.data(&crate::ui::alert_lines(&name, &new)),
            }
        }
        match report.drift_severity() {
            Some(Severity::Critical) => self.learn(),
            _ => Ok(()),
        }
    }

    /// Writes the rows whose truth is known to where the pipeline reads them; the pipeline, which is watched, does the rest. Not again
    /// before there are twice as many.
    fn learn(&mut self) -> Result<(), Error> {
        let (Some(version), Some(log)) = (&self.version, &self.log) else {
            return Ok(());
        };
        let known = log.truths(
            Asked {
                version: None,
                ..version.asked()
            },
            0,
        )?;
        if known < 2 * self.learned_from.max(1) {
            return Ok(());
        }
        let Some(path) = write_new_rows(self.session, log, &version.model)? else {
            return Ok(());
        };
        self.learned_from = known;
        let rows = crate::ui::count(known, "row");
        self.session
            .ui
            .note(&format!("drift: {rows} whose truth is known in {path}"));
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        self.look()?;
        self.conclude(last)
    }
}

impl Version<'_> {
    fn new(
        session: &Session,
        ledger: Ledger,
        meant: ModelVersion,
        begun: i64,
    ) -> Result<Self, Error> {
        let model = Watched::load(session, &ledger, meant)?;
        Ok(Self {
            answered: Pages::new(&model, i64::MIN, begun),
            model,
            ledger,
            watching: None,
            started: 0,
            rows: 0,
            truths: 0,
            told: BTreeSet::new(),
        })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            name: &self.model.version.name,
            version: Some(self.model.version.version),
            since: i64::MIN,
            labelled: true,
        }
    }
}

/// Ends a watch with what is left of a batch.
fn last(watching: Watching<'_>) -> Result<(Report, Option<Watching<'_>>), Error> {
    Ok((watching.finish()?, None))
}

fn watching<'a>(
    session: &'a Session,
    arguments: &'a Monitor,
    model: &Watched,
    input: &str,
    poster: Option<&Poster>,
) -> Watching<'a> {
    let settings = live_settings(arguments);
    Watching::new(session, arguments, model, settings, input, poster).telling_alarms()
}
