//! Measuring what gates ask for, before anything is changed: a model predicts while no other change waits for it.
//!
//! How a model is loaded and timed is the [`Gauge`]'s; here is when that is asked for, and of which files.

use super::error::{LedgerError, Result};
use super::model_files::VersionFiles;
use super::promotion::{Promoted, Promotion};
use super::registrations::{NewRegistration, Registered};
use super::{Ledger, Stage};
use crate::registry::{Check, Gates, Latency, Measured, Record, Replay, Replayed};

/// Measures models.
pub trait Gauge: Send + Sync {
    /// How long the model of these files takes to predict one row.
    ///
    /// # Errors
    /// Why that cannot be told: one lowercase fragment.
    fn latency(&self, files: &VersionFiles) -> std::result::Result<Latency, String>;

    /// How rows of the data that the version's metrics were measured on are answered over HTTP.
    ///
    /// # Errors
    /// Why that cannot be told: one lowercase fragment.
    fn replay(
        &self,
        files: &VersionFiles,
        record: &Record,
        replay: Replay,
    ) -> std::result::Result<Replayed, String>;
}

impl Ledger {
    /// Moves a version to a stage if its gates for that stage pass, as [`promote`](super::Change::promote); what they ask for
    /// is measured before.
    ///
    /// # Errors
    /// As there.
    pub fn promote(&self, promotion: Promotion) -> Result<Promoted> {
        let measured = self.measured(&promotion.name, promotion.version, &promotion.stage)?;
        self.write(move |change| change.promote_measured(&promotion, &measured))
    }

    /// What the gates of a version say about its coming into a stage now; what they ask for is measured.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn judge(&self, name: &str, version: i64, stage: &Stage) -> Result<Vec<Check>> {
        let measured = self.measured(name, version, stage)?;
        self.read(|records| records.judge(name, version, stage, &measured))
    }

    /// Makes a version of a record, as [`register`](super::Change::register); what the gates of its promotion ask for is
    /// measured before.
    ///
    /// # Errors
    /// As there.
    pub fn register(&self, new: NewRegistration) -> Result<Registered> {
        let digest = Record::digest_of(new.text.as_bytes());
        let is_known = self
            .read(|records| records.version_of_record(&new.record.name, &digest))?
            .is_some();
        let makes = !is_known || new.renews;
        let promote = new.record.promote.as_ref().filter(|_| makes);
        let measured = match promote {
            Some(promote) => self.gauged(&new.record, &promote.stage, || {
                VersionFiles::of(&new.record, |file| {
                    let place = file.stored_at();
                    let mut taken_in = new.files.iter();
                    let taken_in = taken_in.find(|(path, _)| *path == place);
                    let (path, stored) =
                        taken_in.ok_or_else(|| LedgerError::missing(place.clone()))?;
                    Self::stored_file(path, self.open_stored(stored, path)?, file)
                })
            }),
            None => Measured::default(),
        };
        self.write(move |change| change.register_measured(&new, &measured))
    }

    /// What the gates of a version for a stage ask for.
    fn measured(&self, name: &str, version: i64, stage: &Stage) -> Result<Measured> {
        let known = self.read(|records| records.registration(name, version))?;
        let Some(known) = known else {
            return Ok(Measured::default());
        };
        let found = self.read(|records| records.model_version(name, version))?;
        Ok(self.gauged(&known.record, stage.name(), || self.version_files(&found)))
    }

    /// Does with a model what its gates for a stage ask for; why it could not be done is told by the gate.
    fn gauged(
        &self,
        record: &Record,
        stage: &str,
        files: impl FnOnce() -> Result<VersionFiles>,
    ) -> Measured {
        let Some(gauge) = &self.gauge else {
            return Measured::default();
        };
        let gates = record.gates.get(stage);
        let Some(Gates {
            latency, replay, ..
        }) = gates.filter(|gates| gates.latency.is_some() || gates.replay.is_some())
        else {
            return Measured::default();
        };
        let files = files().map_err(|error| hpipe_core::with_causes(&error));
        let files = files.as_ref().map_err(String::clone);
        Measured {
            latency: latency.map(|_| files.clone().and_then(|files| gauge.latency(files))),
            replay: replay
                .map(|replay| files.and_then(|files| gauge.replay(files, record, replay))),
        }
    }
}
