//! Promotion through gates, the way back, and who stood where for how long.
//!
//! Each is one change: what is judged, moved and archived happens together with the lines that tell of it, or not at all. A
//! promotion that the gates refuse is told in the history, too, with their numbers.

use super::error::{LedgerError, Result};
use super::history::{HistoryEvent, Transition};
use super::values::ModelVersion;
use super::{Change, Records, Stage};
use crate::registry::{Check, Measured, Opponent, unjudged};

/// How a version shall come into a stage.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// The registered model.
    pub name: String,
    /// The version.
    pub version: i64,
    /// Where it goes.
    pub stage: Stage,
    /// Whether those that stand there go to the archive.
    pub archives_existing: bool,
    /// Who does it.
    pub user: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Whether it goes there whatever the gates say.
    pub is_forced: bool,
}

/// What came of a promotion.
#[derive(Debug, Clone, PartialEq)]
pub struct Promoted {
    /// The stage it was for.
    pub stage: Stage,
    /// Whether the version stands there now.
    pub is_moved: bool,
    /// What its gates said.
    pub checks: Vec<Check>,
    /// The versions that went to the archive.
    pub archived: Vec<i64>,
}

/// What came of a way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolledBack {
    /// The versions that left the stage.
    pub left: Vec<i64>,
    /// The version that came back.
    pub version: i64,
}

/// That a version stood in a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    /// The version.
    pub version: i64,
    /// The stage.
    pub stage: String,
    /// Since when: milliseconds since 1970, UTC.
    pub from: i64,
    /// Until when; none while it still stands there.
    pub to: Option<i64>,
}

impl Promotion {
    /// A promotion with nothing more to say about it.
    pub fn new(name: &str, version: i64, stage: Stage) -> Self {
        Self {
            name: name.to_owned(),
            version,
            stage,
            archives_existing: false,
            user: None,
            reason: None,
            is_forced: false,
        }
    }
}

impl Records<'_> {
    /// Who stood in which stage from when to when, the oldest first. Being in none is no stage.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tenures(&self, name: &str) -> Result<Vec<Tenure>> {
        let mut tenures: Vec<Tenure> = Vec::new();
        for event in self.model_history(name)? {
            let ends =
                |tenure: &&mut Tenure| tenure.version == event.version && tenure.to.is_none();
            let came = event.to_stage.as_deref();
            if matches!(event.event.as_str(), "refused") {
                continue;
            }
            // a version that comes where it stands stays there
            if tenures
                .iter_mut()
                .any(|known| ends(&known) && came == Some(known.stage.as_str()))
            {
                continue;
            }
            for tenure in tenures.iter_mut().filter(ends) {
                tenure.to = Some(event.at);
            }
            let stage = came.filter(|stage| *stage != Stage::None.name());
            tenures.extend(stage.map(|stage| Tenure {
                version: event.version,
                stage: stage.to_owned(),
                from: event.at,
                to: None,
            }));
        }
        Ok(tenures)
    }

    /// What the gates of a version say about its coming into a stage now; `measured` is what they ask to be measured.
    pub(crate) fn judge(
        &self,
        name: &str,
        version: i64,
        stage: &Stage,
        measured: &Measured,
    ) -> Result<Vec<Check>> {
        let Some(registration) = self.registration(name, version)? else {
            return self.judge_unrecorded(name, stage);
        };
        let Some(gates) = registration.record.gates.get(stage.name()) else {
            return Ok(Vec::new());
        };
        let standing = self.latest_versions(name, std::slice::from_ref(stage))?;
        let other = standing.first().filter(|other| other.version != version);
        let known = other.map(|other| self.registration(name, other.version));
        let known = known.transpose()?.flatten();
        let opponent = other.map(|other| Opponent {
            version: other.version,
            record: known.as_ref().map(|known| &known.record),
        });
        Ok(gates.judge(&registration.record, opponent, measured))
    }

    /// A version without a record (a client made it) passes where the newest that has one has no gates, and nowhere else.
    fn judge_unrecorded(&self, name: &str, stage: &Stage) -> Result<Vec<Check>> {
        let sql = "SELECT MAX(v.version) FROM registrations r JOIN model_versions v ON v.number = r.version
                   JOIN registered_models m ON m.number = v.model WHERE m.name = ?1";
        let mut newest = self.connection.prepare_cached(sql)?;
        let newest: Option<i64> = newest.query_row([name], |row| row.get(0))?;
        let known = newest.map(|newest| self.registration(name, newest));
        let known = known.transpose()?.flatten();
        let is_guarded = known.is_some_and(|known| known.record.gates.contains_key(stage.name()));
        let nothing = || {
            unjudged(
                "record",
                "record",
                "nothing is recorded of this version".to_owned(),
            )
        };
        Ok(is_guarded.then(nothing).into_iter().collect())
    }

    /// What undoes the last arrival in a stage: the versions that leave, and the one that stands there then. Where others
    /// stand there besides, the last that came leaves, and the one that came before it stays; else the one that stood there
    /// before comes back. Steps back do not count as arrivals. None if there is no such version.
    fn step_back(
        &self,
        name: &str,
        stage: &Stage,
        standing: &[i64],
    ) -> Result<Option<(Vec<i64>, i64)>> {
        let came = self.arrivals(name, stage)?;
        let mut back = came.into_iter().rev().peekable();
        // Who came last and was moved elsewhere by hand is not undone again.
        while back
            .next_if(|version| !standing.is_empty() && !standing.contains(version))
            .is_some()
        {}
        let Some(last) = back.next_if(|version| standing.contains(version)) else {
            let mut gone = back.filter(|version| self.model_version(name, *version).is_ok());
            return Ok(gone.next().map(|version| (Vec::new(), version)));
        };
        let is_other = |version: &i64| *version != last;
        let found = match standing.iter().any(is_other) {
            true => back.find(|version| is_other(version) && standing.contains(version)),
            false => {
                back.find(|version| is_other(version) && self.model_version(name, *version).is_ok())
            }
        };
        Ok(found.map(|version| (vec![last], version)))
    }

    /// The versions that came into a stage and were not rolled back from, the oldest first.
    fn arrivals(&self, name: &str, stage: &Stage) -> Result<Vec<i64>> {
        let mut came: Vec<i64> = Vec::new();
        let model = self.registered_model(name)?;
        for event in self.model_history(name)? {
            // a model that had the name before is another one
            if event.at < model.created || event.to_stage.as_deref() != Some(stage.name()) {
                continue;
            }
            match event.event.as_str() {
                "moved" => came.push(event.version),
                "rolled_back" => {
                    while came.last().is_some_and(|last| *last != event.version) {
                        came.pop();
                    }
                }
                _ => {}
            }
        }
        Ok(came)
    }

    fn standing(&self, name: &str, stage: &Stage) -> Result<Vec<ModelVersion>> {
        let model = self.model_number(name)?;
        let mut versions = self.versions_of(model)?;
        versions.retain(|version| version.stage == stage.name());
        Ok(versions)
    }

    /// The versions of a model that are not deleted, the oldest first.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn model_versions(&self, name: &str) -> Result<Vec<ModelVersion>> {
        self.versions_of(self.model_number(name)?)
    }
}

impl Change<'_> {
    /// Moves a version to a stage if its gates for that stage pass, or are to be overruled; a refusal is told in the
    /// history. What gates ask to be measured was not: [`Ledger::promote`](super::Ledger::promote) measures.
    ///
    /// # Errors
    /// As [`transition`](Self::transition); and when the gates are to be overruled for no reason.
    pub fn promote(&self, promotion: &Promotion) -> Result<Promoted> {
        self.promote_measured(promotion, &Measured::default())
    }

    /// As [`promote`](Self::promote), with what was measured.
    pub(crate) fn promote_measured(
        &self,
        promotion: &Promotion,
        measured: &Measured,
    ) -> Result<Promoted> {
        let Promotion {
            name,
            version,
            stage,
            ..
        } = promotion;
        let checks = self.judge(name, *version, stage, measured)?;
        let passes = checks.iter().all(|check| check.passed);
        if promotion.is_forced && promotion.reason.is_none() {
            return Err(LedgerError::invalid("to overrule gates takes a reason"));
        }
        let gates = (!checks.is_empty()).then(|| gates_text(&checks));
        if !passes && !promotion.is_forced {
            self.refuse(promotion, gates)?;
            return Ok(Promoted {
                stage: stage.clone(),
                is_moved: false,
                checks,
                archived: Vec::new(),
            });
        }
        let mut archived = Vec::new();
        if promotion.archives_existing {
            archived.extend(
                self.standing(name, stage)?
                    .iter()
                    .map(|other| other.version),
            );
            archived.retain(|other| other != version);
        }
        self.transition(&Transition {
            archives_existing: promotion.archives_existing,
            user: promotion.user.clone(),
            reason: promotion.reason.clone(),
            gates,
            is_forced: !passes,
            ..Transition::new(name, *version, stage.clone())
        })?;
        Ok(Promoted {
            stage: stage.clone(),
            is_moved: true,
            checks,
            archived,
        })
    }

    fn refuse(&self, promotion: &Promotion, gates: Option<String>) -> Result<()> {
        let found = self.model_version(&promotion.name, promotion.version)?;
        let event = HistoryEvent {
            from_stage: Some(found.stage),
            to_stage: Some(promotion.stage.name().to_owned()),
            user: promotion.user.clone(),
            reason: promotion.reason.clone(),
            gates,
            ..self.event(&promotion.name, promotion.version, "refused")
        };
        self.append_history(self.model_number(&promotion.name)?, &event)
    }

    /// Undoes the last arrival in a stage: who came last goes to the archive, and who stood there before stands there
    /// again, or still, if nobody archived it.
    ///
    /// # Errors
    /// When no version stood there before.
    pub fn roll_back(
        &self,
        name: &str,
        stage: &Stage,
        user: Option<&str>,
        reason: Option<&str>,
    ) -> Result<RolledBack> {
        let standing = self.standing(name, stage)?;
        let standing: Vec<_> = standing.iter().map(|found| found.version).collect();
        let Some((left, version)) = self.step_back(name, stage, &standing)? else {
            let message = format!(
                "no other version of `{name}` stood in {} before",
                stage.name()
            );
            return Err(LedgerError::state(message));
        };
        let back = |version: i64, stage: Stage| Transition {
            user: user.map(str::to_owned),
            reason: reason.map(str::to_owned),
            ..Transition::new(name, version, stage)
        };
        for old in &left {
            self.transition(&back(*old, Stage::Archived))?;
        }
        self.move_back(&back(version, stage.clone()))?;
        Ok(RolledBack { left, version })
    }
}

/// What the gates said, as the history keeps it.
fn gates_text(checks: &[Check]) -> String {
    match serde_json::to_string(checks) {
        Ok(text) => text,
        Err(error) => panic!("bug: what gates said cannot be written: {error}"),
    }
}
