//! Decides whether a stage is up to date, can be restored, or must execute.
//!
//! Design section 2, in its order: the lock file has this key and the outs are as recorded; or their objects are there;
//! or the run cache knows the key; else it executes. A stage is only ever skipped when its key (the digest of everything
//! its result may depend on, see `fingerprint`) and the content of its outs agree with a recorded execution.
//!
//! A stage without outs is never answered from the run cache: what it is for is its effect, and going back to a former
//! state must have that effect again. Nor is one with a `persist` out, whose result depends on what was there before.

use hpipe_core::{Content, Digest, ProjectPath, Reason, ReasonKind};
use hpipe_spec::StageSpec;
use hpipe_store::{LockEntry, OutRecord, Store};

use crate::Error;
use crate::fingerprint::Fingerprint;
use crate::inputs::{Gathered, Inputs};
use crate::reasons::{changed_content, differences};

/// What is to be done about a stage.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Nothing.
    UpToDate(Known),
    /// Put these outs in place.
    Restore(Known, Vec<OutRecord>, Vec<Reason>),
    /// Execute.
    Run(Known, Vec<Reason>),
    /// Its deps do not exist, so nothing can be decided.
    Missing(Vec<Reason>),
}

impl Decision {
    /// The key of the stage; none when its deps do not exist.
    pub(crate) const fn key(&self) -> Option<Digest> {
        match self {
            Self::UpToDate(known) | Self::Restore(known, ..) | Self::Run(known, _) => {
                Some(known.key)
            }
            Self::Missing(_) => None,
        }
    }

    /// Why the stage is not up to date; empty if it is.
    pub(crate) fn into_reasons(self) -> Vec<Reason> {
        match self {
            Self::UpToDate(_) => Vec::new(),
            Self::Restore(_, _, reasons) | Self::Run(_, reasons) | Self::Missing(reasons) => {
                reasons
            }
        }
    }
}

/// The key of a stage and what it stands for.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) key: Digest,
    pub(crate) fingerprint: Fingerprint,
}

/// What a decision looks at.
pub(crate) struct Evidence<'a> {
    pub(crate) store: &'a Store,
    pub(crate) inputs: &'a Inputs<'a>,
    pub(crate) recorded: Option<&'a LockEntry>,
    /// The user asked for an execution whatever is known.
    pub(crate) forced: bool,
    /// Whether the run cache may answer.
    pub(crate) run_cache: bool,
}

impl Evidence<'_> {
    /// Decides about `stage`.
    pub(crate) fn decide(&self, stage: &StageSpec) -> Result<Decision, Error> {
        let fingerprint = match self.inputs.gather(stage)? {
            Gathered::Whole(fingerprint) => fingerprint,
            Gathered::Missing(paths) => return Ok(Decision::Missing(missing(&paths))),
        };
        let known = Known {
            key: fingerprint.key(),
            fingerprint,
        };
        if self.forced {
            return Ok(Decision::Run(
                known,
                vec![Reason::plain(ReasonKind::Forced)],
            ));
        }
        if stage.always_changed {
            return Ok(Decision::Run(
                known,
                vec![Reason::plain(ReasonKind::Always)],
            ));
        }
        let outs = self.recorded.map(recorded_outs).unwrap_or_default();
        if self.recorded.is_some_and(|entry| entry.key == known.key) && covers(&outs, stage) {
            return self.compare_outs(known, outs);
        }
        let reasons = reasons(self.recorded, &known.fingerprint);
        self.ask_run_cache(stage, known, reasons)
    }

    /// The key is the recorded one: are the outs?
    fn compare_outs(&self, known: Known, outs: Vec<OutRecord>) -> Result<Decision, Error> {
        let mut reasons = Vec::new();
        for out in &outs {
            match self.inputs.content(&out.path)? {
                None => reasons.push(Reason::about(ReasonKind::OutMissing, out.path.as_str())),
                Some(found) if !found.same(&out.content) => {
                    reasons.push(changed_content(
                        ReasonKind::OutChanged,
                        &out.path,
                        &out.content,
                        &found,
                    ));
                }
                Some(_) => {}
            }
        }
        if reasons.is_empty() {
            return Ok(Decision::UpToDate(known));
        }
        self.restore_or_run(known, outs, reasons)
    }

    fn ask_run_cache(
        &self,
        stage: &StageSpec,
        known: Known,
        reasons: Vec<Reason>,
    ) -> Result<Decision, Error> {
        if !self.run_cache || !is_known_by_key(stage) {
            return Ok(Decision::Run(known, reasons));
        }
        match self.store.run_record(&known.key) {
            Some(record) if covers(&record.outs, stage) => {
                self.restore_or_run(known, record.outs, reasons)
            }
            _ => Ok(Decision::Run(known, reasons)),
        }
    }

    fn restore_or_run(
        &self,
        known: Known,
        outs: Vec<OutRecord>,
        reasons: Vec<Reason>,
    ) -> Result<Decision, Error> {
        for out in &outs {
            if !self.in_place(&out.path, &out.content)? && !self.store.has(&out.content) {
                return Ok(Decision::Run(known, reasons));
            }
        }
        Ok(Decision::Restore(known, outs, reasons))
    }

    fn in_place(&self, path: &ProjectPath, content: &Content) -> Result<bool, Error> {
        Ok(self
            .inputs
            .content(path)?
            .is_some_and(|found| found.same(content)))
    }
}

/// Whether the result of a stage depends on nothing but its key, so that the run cache may answer.
///
/// One without outs is there for its effect, and one with a `persist` out may read what an execution before left there.
pub(crate) fn is_known_by_key(stage: &StageSpec) -> bool {
    !stage.outs.is_empty() && !stage.outs.iter().any(|out| out.persist)
}

/// Why the stage is not what was recorded; never empty, for the keys differ.
pub(crate) fn reasons(recorded: Option<&LockEntry>, fingerprint: &Fingerprint) -> Vec<Reason> {
    let Some(entry) = recorded else {
        return vec![Reason::plain(ReasonKind::New)];
    };
    let mut reasons = differences(entry, fingerprint);
    if reasons.is_empty() {
        reasons.push(match &fingerprint.shell {
            // The lock file does not say by what commands were executed.
            Some(shell) => Reason {
                new: Some(shell.join(" ").as_str().into()),
                ..Reason::about(ReasonKind::Cmd, "shell")
            },
            // The lock file was edited by hand, hpipe's encoding of keys changed, or a stage names its shell no longer.
            None => Reason::plain(ReasonKind::New),
        });
    }
    reasons
}

/// The outs of a lock entry, as the run cache would record them.
pub(crate) fn recorded_outs(entry: &LockEntry) -> Vec<OutRecord> {
    entry
        .outs
        .iter()
        .map(|out| OutRecord {
            path: out.path.clone(),
            content: out.content,
            cached: out.cached,
        })
        .collect()
}

/// The outs of a lock entry, cached as the pipeline wants it now: that is no part of the key.
pub(crate) fn declared_outs(stage: &StageSpec, entry: &LockEntry) -> Vec<OutRecord> {
    let mut outs = recorded_outs(entry);
    for out in &mut outs {
        let declared = stage.outs.iter().find(|declared| declared.path == out.path);
        out.cached = declared.is_some_and(|declared| declared.cache);
    }
    outs
}

/// Whether a record names exactly the outs of the stage: its key says so, but a record is read from disk.
pub(crate) fn covers(outs: &[OutRecord], stage: &StageSpec) -> bool {
    outs.len() == stage.outs.len()
        && stage
            .outs
            .iter()
            .all(|out| outs.iter().any(|record| record.path == out.path))
}

fn missing(paths: &[ProjectPath]) -> Vec<Reason> {
    paths
        .iter()
        .map(|path| Reason::about(ReasonKind::DepMissing, path.as_str()))
        .collect()
}
