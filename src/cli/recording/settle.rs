//! Writes down what is missing: executions whose process was killed, or whose run could not be written when they ended.
//!
//! An execution is known by its attempt. One that is open in the records, while nobody works on its stage, was left: how it
//! ended says the attempt's own record. And a stage whose result stands, but whose stage key no run has, was executed when
//! the records could not be written, or by whoever shares the cache: what made it is written down once, as it was then.
//! Both are looked at under the lock of the stage, so that nobody is writing the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hpipe_core::{Digest, Outcome, StageName, with_causes};
use hpipe_engine::{Observed, ObservedEnd, Workspace};
use hpipe_spec::StageSpec;
use hpipe_store::{
    AttemptEnd, AttemptState, AttemptSummary, LockAction, LockEntry, LockFile, LockName, LockOut,
    OutRecord, RunRecord,
};
use hpipe_track::ledger::{ExecutionRecord, Ledger, LedgerError, Pair, RunUpdate};

use super::{Recorder, end, subject};

impl Recorder {
    /// Writes down what of stages that did not execute is missing in the records.
    pub(crate) fn settle(&self, workspace: &Workspace, heard: &[(StageName, Outcome)]) {
        if !workspace.pipeline().stages.iter().any(subject::is_tracked) {
            return;
        }
        // Once, for it holds all stages; what another process records meanwhile it records itself.
        let Ok(lock) = workspace.read_lock() else {
            return; // the next command tells
        };
        let done = self.settle_open(workspace, &lock);
        let done = done.and_then(|()| self.settle_known(workspace, &lock, heard));
        if let Err(error) = done {
            self.refused("complete the records", &error);
        }
    }

    /// Closes executions that were left open.
    fn settle_open(&self, workspace: &Workspace, lock: &LockFile) -> Result<(), LedgerError> {
        let Some(ledger) = self.existing() else {
            return Ok(());
        };
        let mut failure = None;
        for open in ledger.read(|records| records.open_executions())? {
            let name = StageName::known(open.stage.as_str());
            let Ok(Some(_held)) = workspace.store().try_lock(&LockName::Stage(name.clone())) else {
                continue; // somebody works on it
            };
            let attempts = workspace.store().attempts(&name).unwrap_or_default();
            let attempt = attempts.iter().find(|attempt| attempt.id == open.attempt);
            let done = match attempt.map(|attempt| &attempt.state) {
                Some(AttemptState::Running) => Ok(()),
                Some(AttemptState::Finished(ended)) => {
                    let known = known(workspace, lock, &name, &ended.key);
                    self.close(ledger, workspace, &open, ended, known)
                }
                _ => give_up(ledger, &open),
            };
            let done = done.or_else(|error| {
                self.skip(&name, error)?;
                let attempt = open.attempt.clone();
                ledger.write(move |change| change.close_execution(&attempt))
            });
            failure = failure.or(done.err());
        }
        failure.map_or(Ok(()), Err)
    }

    /// Tells what the records will never take (its run was deleted, say), which must not keep them from taking the rest; any
    /// other error is one.
    fn skip(&self, stage: &StageName, error: LedgerError) -> Result<(), LedgerError> {
        match error.refusal() {
            Some(_) => {
                let why = with_causes(&error);
                let text = format!("an execution of stage `{stage}` is not recorded: {why}");
                self.ui.warning(&text);
                Ok(())
            }
            None => Err(error),
        }
    }

    /// Closes an execution that ended.
    fn close(
        &self,
        ledger: &Ledger,
        workspace: &Workspace,
        open: &ExecutionRecord,
        ended: &AttemptEnd,
        known: Option<Known<'_>>,
    ) -> Result<(), LedgerError> {
        match known.filter(|known| ended.outcome == "ran" && known.attempt.id == open.attempt) {
            Some(known) => self.write_known(ledger, workspace, &known),
            None => conclude(ledger, open, ended),
        }
    }

    /// Records executions of stages whose result stands, but whose key no run has.
    fn settle_known(
        &self,
        workspace: &Workspace,
        lock: &LockFile,
        heard: &[(StageName, Outcome)],
    ) -> Result<(), LedgerError> {
        for (name, outcome) in heard {
            let index = workspace.graph().find(name.as_str());
            let stage = index.map(|index| workspace.stage(index));
            let stands = matches!(outcome, Outcome::UpToDate | Outcome::Restored);
            if !stands || !stage.is_some_and(subject::is_tracked) {
                continue;
            }
            let Some(entry) = lock.entry(name) else {
                continue;
            };
            let Some(ledger) = self.ledger() else {
                return Ok(());
            };
            let key = entry.key.to_string();
            // One that failed, or was deleted, does not tell where this result comes from.
            if ledger
                .read(|records| records.run_that_made(&key))?
                .is_some()
            {
                continue;
            }
            let Ok(Some(_held)) = workspace.store().try_lock(&LockName::Stage(name.clone())) else {
                continue;
            };
            if let Some(known) = known(workspace, lock, name, &entry.key) {
                let written = self.write_known(ledger, workspace, &known);
                written.or_else(|error| self.skip(name, error))?;
            }
        }
        Ok(())
    }

    fn write_known(
        &self,
        ledger: &Ledger,
        workspace: &Workspace,
        known: &Known<'_>,
    ) -> Result<(), LedgerError> {
        let execution = Observed {
            workspace,
            stage: known.stage,
            attempt: &known.attempt.id,
            started: known.attempt.started,
            entry: &known.entry,
        };
        let mut tags = vec![Pair::new("hpipe.recorded", "later")];
        tags.extend(
            known
                .attempt
                .host
                .iter()
                .map(|host| Pair::new("hpipe.host", host.as_str())),
        );
        let beginning = self.beginning(&execution, tags);
        let ended = ObservedEnd {
            duration: known.attempt.duration,
            log: known.attempt.log.as_deref(),
            failure: None,
        };
        let tables = self.tables.as_deref();
        end::write(ledger, tables, beginning, &execution, &ended)
    }
}

/// What is known of the execution that made the result with this key.
fn known<'a>(
    workspace: &'a Workspace,
    lock: &LockFile,
    name: &StageName,
    key: &Digest,
) -> Option<Known<'a>> {
    let stage = workspace.stage(workspace.graph().find(name.as_str())?);
    let record = workspace.store().run_record(key);
    let entry = lock
        .stages
        .get(name)
        .filter(|entry| entry.key == *key)
        .cloned();
    let entry = entry.or_else(|| record.as_ref().map(|record| rebuilt(stage, record).into()))?;
    let attempts = workspace.store().attempts(name).unwrap_or_default();
    let made = |attempt: &AttemptSummary| match &attempt.state {
        AttemptState::Finished(end) => end.outcome == "ran" && end.key == *key,
        _ => false,
    };
    let is_it = |attempt: &AttemptSummary| match &record {
        Some(record) => attempt.id == record.attempt,
        None => made(attempt),
    };
    let attempt = attempts.iter().find(|attempt| is_it(attempt));
    let attempt = match (record, attempt) {
        (Some(record), found) => Made::of_record(&record, found),
        (None, Some(found)) => Made::of_attempt(found)?,
        (None, None) => return None,
    };
    Some(Known {
        stage,
        entry,
        attempt,
    })
}

/// An execution as it can still be told.
struct Known<'a> {
    stage: &'a StageSpec,
    entry: Arc<LockEntry>,
    attempt: Made,
}

/// The attempt that made a result.
struct Made {
    id: String,
    started: u64,
    duration: Duration,
    host: Option<String>,
    log: Option<PathBuf>,
}

impl Made {
    fn of_record(record: &RunRecord, attempt: Option<&AttemptSummary>) -> Self {
        Self {
            id: record.attempt.clone(),
            started: record.started,
            duration: seconds(record.seconds),
            host: Some(record.host.clone()),
            log: attempt.map(|attempt| attempt.log_path.clone()),
        }
    }

    fn of_attempt(attempt: &AttemptSummary) -> Option<Self> {
        let AttemptState::Finished(end) = &attempt.state else {
            return None;
        };
        Some(Self {
            id: attempt.id.clone(),
            started: attempt.started()?,
            duration: seconds(end.seconds),
            host: None,
            log: Some(attempt.log_path.clone()),
        })
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// What the lock file would say, as far as the run cache knows: killed before it was written, the outs are all that is left.
fn rebuilt(stage: &StageSpec, record: &RunRecord) -> LockEntry {
    let out = |made: &OutRecord| {
        let declared = stage.outs.iter().find(|out| out.path == made.path)?;
        Some(LockOut {
            path: made.path.clone(),
            role: declared.role.as_ref().map(|role| role.name.clone()),
            kind: declared.kind.section().to_owned(),
            cached: made.cached,
            persist: declared.persist,
            content: made.content,
        })
    };
    LockEntry {
        key: record.key,
        action: LockAction::Cmd(Vec::new()),
        wdir: stage.wdir.clone(),
        env: BTreeMap::new(),
        deps: Vec::new(),
        params: Vec::new(),
        outs: record.outs.iter().filter_map(out).collect(),
    }
}

/// An execution whose results are gone or never were: how long it took and how it ended is all there is to say.
fn conclude(
    ledger: &Ledger,
    open: &ExecutionRecord,
    ended: &AttemptEnd,
) -> Result<(), LedgerError> {
    let status = match ended.outcome.as_str() {
        "ran" => "FINISHED",
        _ => "FAILED",
    };
    let open = open.clone();
    let lasted = seconds(ended.seconds).as_millis();
    ledger.write(move |change| {
        let began = change.run_info(&open.run)?.start_time.unwrap_or_default();
        let end = began.saturating_add(i64::try_from(lasted).unwrap_or(i64::MAX));
        finish(change, &open, status, Some(end))
    })
}

/// An execution whose process was killed.
fn give_up(ledger: &Ledger, open: &ExecutionRecord) -> Result<(), LedgerError> {
    let open = open.clone();
    ledger.write(move |change| finish(change, &open, "KILLED", None))
}

fn finish(
    change: &hpipe_track::ledger::Change<'_>,
    open: &ExecutionRecord,
    status: &str,
    end_time: Option<i64>,
) -> Result<(), LedgerError> {
    let update = RunUpdate {
        status: Some(status.to_owned()),
        end_time,
        name: None,
    };
    match change.update_run(&open.run, &update) {
        Err(error) if error.refusal().is_none() => return Err(error),
        _ => {} // one that was deleted meanwhile stays as it is
    }
    change.close_execution(&open.attempt)
}
