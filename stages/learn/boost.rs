//! Boosting: trees one after the other, each fitted to what the ones before left over.
//!
//! The engine of both boosters. A round draws rows, takes the gradient of the loss at each, grows a tree, sets what its
//! leaves predict, and adds that, times the learning rate, to the scores of all rows (Friedman 2001, algorithm 1; Chen &
//! Guestrin 2016, section 2.2, for squared loss, whose hessian is the weight of a row).

use ndarray::ArrayView1;

use crate::binned::Binned;
use crate::decision_tree::rows_with_weight;
use crate::error::Error;
use crate::grow::cell::{Cell, Packed, Point, Unit, Wide};
use crate::grow::finder::check_targets;
use crate::grow::histogram::Histograms;
use crate::grow::{Grower, Growth};
use crate::history::{History, Iteration, Monitor, Patience, Validation, Watch};
use crate::loss::Loss;
use crate::predictor::Rows;
use crate::random::{Draws, Purpose};
use crate::tree::{Aggregation, Ensemble, FeatureKind, Precision, Tree};

/// How a booster boosts.
#[derive(Debug, Clone)]
pub(crate) struct Boosting {
    pub(crate) loss: Loss,
    pub(crate) growth: Growth,
    pub(crate) rounds: usize,
    pub(crate) learning_rate: f64,
    /// Share of the rows that a tree is grown on.
    pub(crate) subsample: f64,
    pub(crate) patience: Option<Patience>,
    /// The start; the loss's best constant when none is given.
    pub(crate) start: Option<f64>,
    pub(crate) seed: u64,
    /// Whether the metric is reported as its root.
    pub(crate) root: bool,
}

/// What is learnt from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'a> {
    pub(crate) matrix: &'a Binned,
    pub(crate) targets: &'a [f64],
    pub(crate) weights: Option<&'a [f32]>,
}

impl Sample<'_> {
    /// Checks that lengths agree and values are finite.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_targets(self.matrix.rows(), self.targets, self.weights)
    }
}

/// Rows to measure on, ready to be predicted.
struct Measured {
    rows: Rows,
    targets: Vec<f64>,
    scores: Vec<f64>,
}

impl Measured {
    fn new(validation: &Validation<'_>, kinds: &[FeatureKind], start: f64) -> Result<Self, Error> {
        let targets = validation.targets.to_vec();
        let rows = validation.records.nrows();
        if rows == 0 {
            return Err(Error::NoRows);
        }
        check_targets(rows, &targets, None)?;
        Ok(Self {
            rows: Rows::new(validation.records, kinds)?,
            scores: vec![start; rows],
            targets,
        })
    }

    fn add(&mut self, tree: &Tree) {
        for (row, score) in self.scores.iter_mut().enumerate() {
            *score += tree.value_at(self.rows.row(row));
        }
    }
}

/// Boosts; hessians of 1 take half the memory.
pub(crate) fn boost(
    boosting: &Boosting,
    sample: Sample<'_>,
    monitor: Monitor<'_>,
) -> Result<(Ensemble, History), Error> {
    sample.check()?;
    if boosting.patience.is_some() && monitor.validation.is_none() {
        return Err(Error::NoValidation);
    }
    match sample.weights {
        None => Booster::<Packed>::new(boosting, sample).run(monitor),
        Some(_) => Booster::<Wide>::new(boosting, sample).run(monitor),
    }
}

/// A model in the making.
struct Booster<'a, C: Cell> {
    boosting: &'a Boosting,
    sample: Sample<'a>,
    grower: Grower<'a, C, Histograms<'a, C>>,
    /// What the trees so far predict for every row.
    scores: Vec<f64>,
    /// Rows that count.
    all: Vec<u32>,
    /// Rows of the next tree.
    rows: Vec<u32>,
    cells: Vec<C>,
    start: f64,
}

impl<'a, C: Cell> Booster<'a, C> {
    fn new(boosting: &'a Boosting, sample: Sample<'a>) -> Self {
        let rows = sample.matrix.rows();
        let all = rows_with_weight(rows, sample.weights);
        let start = boosting
            .start
            .unwrap_or_else(|| boosting.loss.start(sample.targets, sample.weights));
        Self {
            boosting,
            sample,
            grower: Grower::new(&boosting.growth, Histograms::new(sample.matrix)),
            scores: vec![start; rows],
            rows: all.clone(),
            all,
            cells: Vec::with_capacity(rows),
            start,
        }
    }

    fn run(mut self, mut monitor: Monitor<'_>) -> Result<(Ensemble, History), Error> {
        let kinds = self.sample.matrix.kinds();
        let mut measured = match &monitor.validation {
            Some(validation) => Some(Measured::new(validation, &kinds, self.start)?),
            None => None,
        };
        let mut watch = self.boosting.patience.map(Watch::new);
        let mut trees = Vec::new();
        let mut history = History::default();
        for round in 0..self.boosting.rounds {
            let delta = self.delta();
            let tree = self.round(round as u64, delta);
            history.train.push(self.metric(
                self.sample.targets,
                &self.scores,
                self.sample.weights,
                delta,
            ));
            if let Some(measured) = &mut measured {
                measured.add(&tree);
                let metric = self.metric(&measured.targets, &measured.scores, None, delta);
                history.validation.push(metric);
            }
            trees.push(tree);
            let validation = history.validation.last().copied();
            let iteration = Iteration {
                number: round + 1,
                of: self.boosting.rounds,
                train: history.train.last().copied(),
                validation,
            };
            let is_ended = monitor.tell(&iteration).is_break();
            let is_over = watch
                .as_mut()
                .zip(validation)
                .is_some_and(|(watch, metric)| watch.is_over(metric));
            if is_ended || is_over {
                break;
            }
        }
        if watch.is_some() {
            trees.truncate(history.best());
        }
        history.best_iteration = trees.len();
        let ensemble = Ensemble {
            features: kinds,
            precision: Precision::Single,
            base: self.start,
            aggregation: Aggregation::Sum,
            trees,
        };
        Ok((ensemble, history))
    }

    /// Where Huber's loss turns, before the next tree.
    fn delta(&self) -> f64 {
        if !matches!(self.boosting.loss, Loss::Huber { .. }) {
            return 0.0;
        }
        let pairs = self.sample.targets.iter().zip(&self.scores);
        let residuals: Vec<f64> = pairs.map(|(y, f)| y - f).collect();
        self.boosting.loss.delta(&residuals, self.sample.weights)
    }

    /// Grows the next tree and adds it to the scores.
    fn round(&mut self, round: u64, delta: f64) -> Tree {
        let boosting = self.boosting;
        let all = self.all.len();
        let drawn = ((all as f64 * boosting.subsample) as usize).max(1);
        if drawn < all {
            let mut draws = Draws::new(boosting.seed, Purpose::Rows, round);
            let places = draws.subset(all as u32, drawn as u32);
            self.rows = places
                .iter()
                .map(|&place| self.all[place as usize])
                .collect();
        }
        let unit = self.take_gradients(delta);
        let seed = Draws::new(boosting.seed, Purpose::Trees, round).seed();
        let mut tree = self.grower.grow(&self.rows, &self.cells, unit, seed);
        self.set_leaves(&mut tree, delta);
        if drawn < self.scores.len() {
            self.score_others(&tree);
        }
        tree
    }

    /// Takes the gradient and hessian of every row that was drawn; their unit.
    ///
    /// They are taken twice, once for the unit and once for the cells: cheaper than 24 bytes a row to keep them.
    fn take_gradients(&mut self, delta: f64) -> Unit {
        let Sample {
            targets, weights, ..
        } = self.sample;
        let (loss, scores) = (self.boosting.loss, &self.scores);
        let points = self.rows.iter().map(|&row| {
            let row = row as usize;
            let hessian = weights.map_or(1.0, |weights| f64::from(weights[row]));
            Point {
                gradient: loss.gradient(targets[row] - scores[row], delta) * hessian,
                hessian,
                times: 1,
            }
        });
        let unit = C::unit(points.clone());
        self.cells.clear();
        self.cells.extend(points.map(|point| C::pack(point, &unit)));
        unit
    }

    /// Sets what each leaf predicts, and adds it to the scores of its rows.
    fn set_leaves(&mut self, tree: &mut Tree, delta: f64) {
        let Sample {
            targets, weights, ..
        } = self.sample;
        let loss = self.boosting.loss;
        let mut residuals = Vec::new();
        for leaf in self.grower.leaves() {
            let rows = &self.grower.rows()[leaf.rows.clone()];
            let constant = if loss.needs_constants() {
                residuals.clear();
                residuals.extend(rows.iter().map(|&row| {
                    let row = row as usize;
                    let weight = weights.map_or(1.0, |weights| weights[row]);
                    (targets[row] - self.scores[row], weight)
                }));
                loss.constant(&mut residuals, delta)
            } else {
                tree.value(leaf.place)
            };
            let value = constant * self.boosting.learning_rate;
            tree.set_value(leaf.place, value);
            for &row in rows {
                self.scores[row as usize] += value;
            }
        }
    }

    /// Adds a tree to the scores of the rows that it was not grown on.
    fn score_others(&mut self, tree: &Tree) {
        let mut drawn = self.rows.iter().copied().peekable();
        for row in 0..self.scores.len() as u32 {
            if drawn.next_if_eq(&row).is_none() {
                let leaf = self.grower.leaf_of(tree, row);
                self.scores[row as usize] += tree.value(leaf);
            }
        }
    }

    /// The metric of predictions.
    fn metric(&self, targets: &[f64], scores: &[f64], weights: Option<&[f32]>, delta: f64) -> f64 {
        let mean = self.boosting.loss.mean(targets, scores, weights, delta);
        if self.boosting.root {
            mean.sqrt()
        } else {
            mean
        }
    }
}

/// Targets side by side, wherever they lie.
pub(crate) fn contiguous(targets: ArrayView1<'_, f64>) -> Vec<f64> {
    targets.iter().copied().collect()
}
