//! A study: the state machine between a sampler and whoever executes trials.
//!
//! [`ask`](Study::ask) hands out trials in the order of their numbers, each as soon as everything is known that its
//! proposal may depend on; [`tell`](Study::tell) takes results in any order. See the lag rule in `lib.rs`. The study
//! holds everything in memory and keeps nothing: to resume, make it again and tell it the results that are known.

use hpipe_core::Mapping;

use crate::definition::Definition;
use crate::importance::{Importance, ImportanceOptions, importance};
use crate::sampler::{Question, Seen};
use crate::series::Series;
use crate::trial::{Best, Outcome, State, Trial};

/// A study on its way.
#[derive(Debug, Clone)]
pub struct Study {
    definition: Definition,
    trials: Vec<Trial>,
    /// Every trial before this one is told.
    told: usize,
}

/// A trial to execute.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// Its number, from 0.
    pub number: usize,
    /// The active parameters by name, in the order of the space; dotted names stay dotted.
    pub params: Mapping,
}

/// A result that a study cannot take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TellError {
    /// The trial was never handed out.
    #[error("trial {number} was not asked for")]
    NotAsked {
        /// Its number.
        number: usize,
    },
    /// The trial has a result already.
    #[error("trial {number} has a result already")]
    AlreadyTold {
        /// Its number.
        number: usize,
    },
}

impl Study {
    /// A study without trials.
    pub const fn new(definition: Definition) -> Self {
        Self {
            definition,
            trials: Vec::new(),
            told: 0,
        }
    }

    /// The next trial; none while its proposal waits for results, and when all trials have been handed out.
    ///
    /// Cost: of a TPE about 24 candidates times the trials times the parameters; other samplers are free.
    pub fn ask(&mut self) -> Option<Ask> {
        let number = self.trials.len();
        let known = self.known(number);
        if number >= self.definition.trials || self.told < known {
            return None;
        }
        let proposal = {
            let history: Vec<Seen<'_>> =
                self.trials.iter().map(|trial| seen(trial, known)).collect();
            let fixed = self.definition.initial.get(number).cloned();
            self.definition.sampler.propose(&Question {
                space: &self.definition.space,
                direction: self.definition.direction,
                seed: self.definition.seed,
                history: &history,
                fixed: fixed.unwrap_or_else(|| self.definition.space.empty()),
            })
        };
        let Some(point) = proposal else {
            // a grid too large to be counted beforehand has come to its end
            self.definition.trials = number;
            return None;
        };
        let params = self.definition.space.decode(&point);
        self.trials.push(Trial {
            number,
            params: params.clone(),
            state: State::Running,
            series: Series::default(),
            point,
        });
        Some(Ask { number, params })
    }

    /// Takes the result of a trial, and what it reported on its way. A complete trial with the value NaN has failed.
    ///
    /// # Errors
    /// When the trial was not asked for, or is told already; the study is then as it was.
    pub fn tell(
        &mut self,
        number: usize,
        outcome: Outcome,
        series: Series,
    ) -> Result<(), TellError> {
        let trial = self
            .trials
            .get_mut(number)
            .ok_or(TellError::NotAsked { number })?;
        if trial.state != State::Running {
            return Err(TellError::AlreadyTold { number });
        }
        trial.series = series;
        trial.state = State::Finished(match outcome {
            Outcome::Complete(value) if value.is_nan() => Outcome::Failed,
            outcome => outcome,
        });
        let open = |trial: &Trial| trial.state == State::Running;
        let rest = &self.trials[self.told..];
        self.told += rest.iter().position(open).unwrap_or(rest.len());
        Ok(())
    }

    /// Whether a trial that is under way should be given up after the last step of its series.
    ///
    /// May be asked at any time and as often as one likes, from the moment the trial was asked; false for a trial that was
    /// not asked.
    pub fn should_prune(&self, number: usize, series: &Series) -> bool {
        let known = self.known(number);
        let Some(known) = self
            .trials
            .get(..known)
            .filter(|_| number < self.trials.len())
        else {
            return false;
        };
        let Definition {
            pruner, direction, ..
        } = &self.definition;
        pruner.should_prune(*direction, known, series)
    }

    /// How many trials, from the first, trial `number` may depend on.
    const fn known(&self, number: usize) -> usize {
        (number + 1).saturating_sub(self.definition.concurrency)
    }

    /// Whether every trial has been handed out and told.
    pub const fn is_finished(&self) -> bool {
        self.trials.len() >= self.definition.trials && self.told == self.trials.len()
    }

    /// What the study is of.
    pub const fn definition(&self) -> &Definition {
        &self.definition
    }

    /// The trials that have been handed out, by number.
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The best complete trial; of equal ones the first; none while there is no complete trial.
    pub fn best(&self) -> Option<Best<'_>> {
        let complete = |trial| Some((Trial::value(trial)?, trial));
        let direction = self.definition.direction;
        self.trials
            .iter()
            .filter_map(complete)
            .min_by(|(a, _), (b, _)| direction.order(*a, *b))
            .map(|(value, trial)| Best { value, trial })
    }

    /// Which parameters mattered, the most important first: [`importance`] of the trials that are told.
    pub fn importance(&self, options: &ImportanceOptions) -> Vec<Importance> {
        let Definition {
            space, direction, ..
        } = &self.definition;
        importance(space, *direction, &self.trials, options)
    }
}

/// A trial as the sampler may see it: one in the lag window runs, whatever is known of it.
fn seen(trial: &Trial, known: usize) -> Seen<'_> {
    let outcome = match trial.state {
        State::Finished(outcome) if trial.number < known => Some(outcome),
        _ => None,
    };
    Seen {
        point: &trial.point,
        outcome,
    }
}
