//! Measuring what gates ask for, before anything is changed: a model predicts while no other change waits for it.
//!
//! How a model is loaded and timed is the [`Gauge`]'s; here is when that is asked for, and of which files.

use super::error::{LedgerError, Result};
use super::model_files::VersionFiles;
use super::promotion::{Promoted, Promotion};
use super::registrations::{NewRegistration, Registered};
use super::{Ledger, Stage};
use crate::registry::{Check, Latency, Measured, Record};

/// Measures models.
pub trait Gauge: Send + Sync {
    /// How long the model of these files takes to predict one row.
    ///
    /// # Errors
    /// Why that cannot be told: one lowercase fragment.
    fn latency(&self, files: &VersionFiles) -> std::result::Result<Latency, String>;
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
            Some(promote) if asks(&new.record, &promote.stage) => self.timed(|| {
                VersionFiles::of(&new.record, |file| {
                    let place = file.stored_at();
                    let mut taken_in = new.files.iter();
                    let taken_in = taken_in.find(|(path, _)| *path == place);
                    let (path, stored) =
                        taken_in.ok_or_else(|| LedgerError::missing(place.clone()))?;
                    Self::stored_file(path, self.open_stored(stored, path)?, file)
                })
            }),
            _ => Measured::default(),
        };
        self.write(move |change| change.register_measured(&new, &measured))
    }

    /// What the gates of a version for a stage ask for.
    fn measured(&self, name: &str, version: i64, stage: &Stage) -> Result<Measured> {
        let known = self.read(|records| records.registration(name, version))?;
        if !known.is_some_and(|known| asks(&known.record, stage.name())) {
            return Ok(Measured::default());
        }
        let found = self.read(|records| records.model_version(name, version))?;
        Ok(self.timed(|| self.version_files(&found)))
    }

    /// Times a model; why it could not be timed is told by its gate.
    fn timed(&self, files: impl FnOnce() -> Result<VersionFiles>) -> Measured {
        let Some(gauge) = &self.gauge else {
            return Measured::default();
        };
        let latency = files()
            .map_err(|error| hpipe_core::with_causes(&error))
            .and_then(|files| gauge.latency(&files));
        Measured {
            latency: Some(latency),
        }
    }
}

/// Whether gates ask for what must be measured.
fn asks(record: &Record, stage: &str) -> bool {
    let gates = record.gates.get(stage);
    gates.is_some_and(|gates| gates.latency.is_some())
}
