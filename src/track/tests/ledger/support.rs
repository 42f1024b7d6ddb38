//! A ledger in a folder of its own, with a clock that ticks once a look.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use hpipe_track::ledger::{Clock, Ledger, Metric, NewRun, Pair, Result, Run};
use tempfile::TempDir;

pub(crate) fn clock() -> Clock {
    let ticks = AtomicI64::new(1_000);
    Arc::new(move || ticks.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn ledger() -> (TempDir, Ledger) {
    let root = tempfile::tempdir().expect("a folder");
    let ledger = Ledger::open(&root.path().join("models"), clock()).expect("opened");
    (root, ledger)
}

/// What a refusal says.
pub(crate) fn said<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("refused").to_string()
}

pub(crate) fn run(ledger: &Ledger, start_time: i64) -> String {
    let new = NewRun {
        start_time,
        ..NewRun::default()
    };
    let run = ledger.write(move |change| change.create_run(new));
    run.expect("made").info.id
}

pub(crate) fn metric(key: &str, value: f64, timestamp: i64, step: i64) -> Metric {
    Metric {
        key: key.to_owned(),
        value,
        timestamp,
        step,
        ..Metric::default()
    }
}

pub(crate) fn log_metric(ledger: &Ledger, run: &str, metric: Metric) {
    let run = run.to_owned();
    let done = ledger.write(move |change| change.log_metric(&run, &metric));
    done.expect("logged");
}

pub(crate) fn log_param(ledger: &Ledger, run: &str, key: &str, value: &str) -> Result<()> {
    let (run, param) = (run.to_owned(), Pair::new(key, value));
    ledger.write(move |change| change.log_param(&run, &param))
}

pub(crate) fn set_tag(ledger: &Ledger, run: &str, key: &str, value: &str) {
    let (run, tag) = (run.to_owned(), Pair::new(key, value));
    let done = ledger.write(move |change| change.set_tag(&run, &tag));
    done.expect("set");
}

pub(crate) fn get(ledger: &Ledger, run: &str) -> Run {
    ledger.read(|records| records.run(run)).expect("a run")
}
