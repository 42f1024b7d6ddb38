//! A study: how a search for hyperparameters went.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::charts::regression::quantile;
use crate::colour::{Ramp, Tone};
use crate::figure::Figure;
use crate::mark::{Colours, Line, Mark, Points, Shape};
use crate::number::{fixed, format_number, format_short};
use crate::parallel::Parallel;

/// A study with its trials.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// What is optimised, with its unit: `validation RMSE (100,000 $)`.
    pub objective: String,
    /// Whether less is better.
    pub is_minimized: bool,
    /// What is searched over.
    pub parameters: Vec<Parameter>,
    /// In the order they began.
    pub trials: Vec<Trial>,
}

/// One dimension of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// How it is searched.
    pub scale: ParameterScale,
}

/// How the values of a parameter are spread.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterScale {
    /// Evenly.
    Linear,
    /// By their logarithm.
    Log,
    /// Named choices; a value is the place of one, from 0.
    Category(Vec<String>),
}

/// One trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The objective; of a pruned trial the last one reported; none where there is none.
    pub value: Option<f64>,
    /// How it ended.
    pub state: TrialState,
    /// `n_parameters` values; NaN for one that this trial does not have.
    pub parameters: Vec<f64>,
}

/// How a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialState {
    /// With a value.
    Complete,
    /// Stopped, since others were better at the same point.
    Pruned,
    /// With an error.
    Failed,
}

impl Study {
    /// Numbers and values of the trials that ended like this and have a finite value.
    fn of_state(&self, state: TrialState) -> Vec<(usize, f64)> {
        let trials = self
            .trials
            .iter()
            .enumerate()
            .filter(|(_, trial)| trial.state == state);
        trials
            .filter_map(|(number, trial)| {
                Some((number, trial.value.filter(|value| value.is_finite())?))
            })
            .collect()
    }

    /// Number and value of the best complete trial, the first of equals.
    fn best(&self) -> Option<(usize, f64)> {
        let sign = if self.is_minimized { 1.0 } else { -1.0 };
        self.of_state(TrialState::Complete)
            .into_iter()
            .min_by(|a, b| (a.1 * sign).total_cmp(&(b.1 * sign)))
    }

    /// A value so bad that, were it shown, the others could not be told apart: the best four fifths of the trials take at
    /// least a third of the axis.
    fn limit(&self) -> Option<f64> {
        let sign = if self.is_minimized { 1.0 } else { -1.0 };
        let (complete, pruned) = (
            self.of_state(TrialState::Complete),
            self.of_state(TrialState::Pruned),
        );
        let mut losses: Vec<_> = complete
            .iter()
            .chain(&pruned)
            .map(|trial| trial.1 * sign)
            .collect();
        losses.sort_by(f64::total_cmp);
        let (best, most) = (quantile(&losses, 0.0), quantile(&losses, 0.8));
        let limit = most + 2.0 * (most - best);
        (most > best && quantile(&losses, 1.0) > limit).then_some(limit * sign)
    }

    /// The axis of the objective, up to the limit.
    fn objective_axis(&self) -> Axis {
        let axis = Axis::linear(&self.objective);
        match self.limit() {
            Some(limit) if self.is_minimized => axis.to(limit),
            Some(limit) => axis.from(limit),
            None => axis,
        }
    }

    /// Whether a value is not beyond the limit.
    fn is_shown(&self, value: f64) -> bool {
        self.limit().is_none_or(|limit| {
            if self.is_minimized {
                value <= limit
            } else {
                value >= limit
            }
        })
    }

    fn axis(&self, parameter: &Parameter) -> Axis {
        match &parameter.scale {
            ParameterScale::Linear => Axis::linear(&parameter.name),
            ParameterScale::Log => Axis::log(&parameter.name),
            ParameterScale::Category(names) => {
                Axis::category(&parameter.name, names.iter().map(String::as_str))
            }
        }
    }

    /// Number and value of a trial.
    fn short_tip(&self, number: usize) -> String {
        let value = self.trials[number]
            .value
            .map_or("no value".to_owned(), |value| format_number(value, 5));
        format!("trial {number}: {value}")
    }

    /// What a pointer on a trial is told.
    fn tip(&self, number: usize) -> String {
        let trial = &self.trials[number];
        let settings = self
            .parameters
            .iter()
            .zip(&trial.parameters)
            .filter(|(_, value)| value.is_finite());
        let words = settings
            .map(|(parameter, value)| format!("{} {}", parameter.name, parameter.words(*value)));
        let words: Vec<_> = words.collect();
        format!("{} ({})", self.short_tip(number), words.join(", "))
    }

    fn counts(&self) -> String {
        let count = |state| {
            self.trials
                .iter()
                .filter(|trial| trial.state == state)
                .count()
        };
        let mut parts = vec![format!("{} trials", fixed(self.trials.len() as f64, 0))];
        for (state, word) in [
            (TrialState::Pruned, "pruned"),
            (TrialState::Failed, "failed"),
        ] {
            if count(state) > 0 {
                parts.push(format!("{} {word}", fixed(count(state) as f64, 0)));
            }
        }
        let best = self
            .best()
            .map(|(number, value)| format!("best {} in trial {number}", format_number(value, 5)));
        parts.extend(best);
        parts.join(" · ")
    }
}

impl Parameter {
    fn words(&self, value: f64) -> String {
        match &self.scale {
            ParameterScale::Category(names) => {
                names.get(value as usize).cloned().unwrap_or_default()
            }
            _ => format_short(value, 4),
        }
    }
}

/// Draws every trial's value in the order of the trials, and the best so far.
pub fn study_history(study: &Study) -> Figure {
    let points = |state| {
        let trials = study.of_state(state);
        let places = trials
            .iter()
            .map(|(number, value)| (*number as f64, *value))
            .collect();
        let tips = trials
            .iter()
            .map(|(number, _)| study.tip(*number))
            .collect();
        Points {
            tips,
            radius: 3.0,
            ..Points::new(places)
        }
    };
    let complete = Points {
        name: Some("complete".to_owned()),
        ..points(TrialState::Complete)
    };
    let best = Line {
        is_stepped: true,
        tone: Tone::Series(1),
        name: Some("best so far".to_owned()),
        ..Line::new(best_so_far(study, &complete.places))
    };
    let mut chart = Chart::new(Axis::linear("trial"), study.objective_axis())
        .with(Mark::Points(complete))
        .with(Mark::Line(best));
    let pruned = points(TrialState::Pruned);
    if !pruned.places.is_empty() {
        let (colours, name) = (Colours::One(Tone::Faint), Some("pruned".to_owned()));
        chart = chart.with(Mark::Points(Points {
            colours,
            shape: Shape::Cross,
            name,
            ..pruned
        }));
    }
    Figure::new("Trials and the best so far", chart)
        .panel_height(320.0)
        .subtitle(study.counts())
}

fn best_so_far(study: &Study, complete: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut best = f64::NAN;
    let mut places = Vec::new();
    for (number, value) in complete {
        let is_better = if study.is_minimized {
            *value < best
        } else {
            *value > best
        };
        if best.is_nan() || is_better {
            best = *value;
            places.push((*number, best));
        }
    }
    places.extend(complete.last().map(|last| (last.0, best)));
    places
}

/// Draws each complete trial as a line through its parameters and its value; the best is drawn above all.
pub fn study_parallel(study: &Study) -> Figure {
    let complete = study.of_state(TrialState::Complete);
    let mut axes: Vec<_> = study
        .parameters
        .iter()
        .map(|parameter| study.axis(parameter))
        .collect();
    axes.push(study.objective_axis());
    let line = |(number, value): &(usize, f64)| {
        let mut line = study.trials[*number].parameters.clone();
        line.resize(study.parameters.len(), f64::NAN);
        line.push(*value);
        line
    };
    let amounts: Vec<_> = complete.iter().map(|trial| trial.1).collect();
    let best = study.best().and_then(|(best, value)| {
        let place = complete.iter().position(|(number, _)| *number == best)?;
        Some((
            place,
            format!("best: trial {best}, {}", format_number(value, 5)),
        ))
    });
    let ramp = bounded_ramp(study, &amounts);
    let parallel = Parallel {
        axes,
        lines: complete.iter().map(line).collect(),
        amounts,
        ramp,
        best,
    };
    let width = 120.0 * (study.parameters.len() + 1) as f64;
    Figure::of_parallel("Parameters of all trials", parallel)
        .width(width.clamp(480.0, 1400.0))
        .panel_height(360.0)
        .subtitle(study.counts())
}

/// Colours over the better four fifths, since a few bad trials would take them all.
fn bounded_ramp(study: &Study, amounts: &[f64]) -> Ramp {
    let mut sorted = amounts.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ramp = Ramp::over(&study.objective, amounts);
    match sorted.len() < 5 {
        true => ramp,
        false if study.is_minimized => Ramp {
            range: (ramp.range.0, quantile(&sorted, 0.8)),
            ..ramp
        },
        false => Ramp {
            range: (quantile(&sorted, 0.2), ramp.range.1),
            ..ramp
        },
    }
}

/// Draws the value of each complete trial against each parameter, one panel a parameter; later trials are lighter.
pub fn study_slices(study: &Study) -> Figure {
    let complete = study.of_state(TrialState::Complete);
    let all = complete.len();
    let shown: Vec<_> = complete
        .into_iter()
        .filter(|trial| study.is_shown(trial.1))
        .collect();
    let columns = study.parameters.len().clamp(1, 3);
    let panel = |place: usize| slice(study, place, &shown, place.is_multiple_of(columns));
    let panels = (0..study.parameters.len()).map(panel).collect();
    let caption = match all - shown.len() {
        0 => String::new(),
        beyond => {
            format!("Not shown, for their values are far worse: {beyond} of {all} complete trials.")
        }
    };
    Figure::of_panels("Value by parameter", panels, columns)
        .width(300.0 * columns as f64 + 40.0)
        .panel_height(240.0)
        .subtitle(study.counts())
        .caption(caption)
}

/// The panel of one parameter. A trial that does not have it has no place there, and nothing is missing.
fn slice(study: &Study, parameter: usize, shown: &[(usize, f64)], is_first: bool) -> Chart {
    let placed = shown
        .iter()
        .filter_map(|trial| Some((place_of(study, parameter, trial)?, trial.0)));
    let placed: Vec<_> = placed.collect();
    let numbers: Vec<_> = placed.iter().map(|trial| trial.1 as f64).collect();
    let all: Vec<_> = shown.iter().map(|trial| trial.0 as f64).collect();
    let few = shown.len() * study.parameters.len() <= 1000;
    let tips = placed
        .iter()
        .filter(|_| few)
        .map(|trial| study.short_tip(trial.1))
        .collect();
    let points = Points {
        colours: Colours::Values(numbers, Ramp::over("trial", &all)),
        tips,
        radius: 3.0,
        ..Points::new(placed.iter().map(|trial| trial.0).collect())
    };
    let mut y = shown
        .iter()
        .fold(Axis::linear(" "), |axis, trial| axis.including(trial.1));
    if is_first {
        y.label.clone_from(&study.objective);
    }
    Chart::new(study.axis(&study.parameters[parameter]), y).with(Mark::Points(points))
}

/// Where a trial stands in the panel of a parameter; choices are spread a little, so that equal ones are seen.
fn place_of(study: &Study, parameter: usize, (number, value): &(usize, f64)) -> Option<(f64, f64)> {
    let x = *study.trials[*number].parameters.get(parameter)?;
    let is_choice = matches!(
        study.parameters[parameter].scale,
        ParameterScale::Category(_)
    );
    // multiples of the golden ratio, modulo one, are spread evenly without chance
    let spread = if is_choice {
        ((*number as f64 * 0.618_033_988_75).fract() - 0.5) * 0.36
    } else {
        0.0
    };
    x.is_finite().then_some((x + spread, *value))
}
