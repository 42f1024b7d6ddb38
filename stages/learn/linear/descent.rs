//! Lasso and elastic net by coordinate descent on the Gram matrix (Friedman, Hastie and Tibshirani 2010).
//!
//! A step costs `n_features` multiplications instead of `n_rows`. Stopping rule, screening of features and hence the number
//! of passes are scikit-learn 1.9's: first the largest change of a coefficient, then the duality gap (Fercoq, Gramfort and
//! Salmon 2015), which also tells the features that must have the coefficient 0 (Gap Safe rules: Ndiaye, Fercoq, Gramfort
//! and Salmon 2017).
//!
//! The gap is computed as `½(1 − s)² (‖r‖² + β‖w‖²) + α|w| − s w·c`, with residuals `r`, correlations `c = Xᵀr − βw` and `s`
//! what scales `r` to a feasible point of the dual: equal to primal less dual, without taking the difference of two
//! numbers of the size of `‖y‖²`.

use ndarray::{Array1, Array2, ArrayView1};

use super::Convergence;
use super::moments::Moments;

/// `α|w| + ½β‖w‖²`, to be added to `½‖y − Xw‖²`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Penalty {
    /// α, positive.
    pub(super) absolute: f64,
    /// β.
    pub(super) square: f64,
}

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Of the largest change beside the largest coefficient, and of the gap beside `‖y‖²`.
    pub(super) tol: f64,
    /// Passes over the features.
    pub(super) max_iter: u32,
}

/// Minimises `½‖y − Xw‖² + α|w| + ½β‖w‖²` from `start` on.
pub(super) fn descend(
    moments: &Moments,
    penalty: Penalty,
    limits: Limits,
    start: Array1<f64>,
) -> (Array1<f64>, Convergence) {
    let mut descent = Descent::new(moments, penalty, start);
    let enough = limits.tol * moments.target_square();
    let mut gap = descent.gap();
    let mut iterations = 0;
    if gap.size > enough {
        descent.screen(&gap);
        while iterations < limits.max_iter {
            iterations += 1;
            let small = descent.pass() <= limits.tol;
            if small || iterations == limits.max_iter {
                gap = descent.gap();
                if gap.size <= enough {
                    break;
                }
                descent.screen(&gap);
            }
        }
    }
    let convergence = Convergence {
        iterations,
        duality_gap: gap.size,
        converged: gap.size <= enough,
    };
    (Array1::from(descent.weights), convergence)
}

/// Where a descent stands.
struct Descent<'a> {
    /// `XᵀX`, rows contiguous.
    gram: Array2<f64>,
    /// `Xᵀy`.
    products: ArrayView1<'a, f64>,
    target_square: f64,
    penalty: Penalty,
    weights: Vec<f64>,
    /// `XᵀX w`.
    explained: Vec<f64>,
    /// Features whose coefficient may differ from 0.
    active: Vec<usize>,
}

/// How far from the minimum, at most.
struct Gap {
    size: f64,
    /// `Xᵀr − βw`.
    correlations: Vec<f64>,
    /// The largest of these, in absolute value.
    largest: f64,
}

impl<'a> Descent<'a> {
    fn new(moments: &'a Moments, penalty: Penalty, start: Array1<f64>) -> Self {
        let gram = moments.gram().as_standard_layout().into_owned();
        let explained = gram.dot(&start).to_vec();
        let active = (0..start.len()).filter(|&j| gram[[j, j]] != 0.0).collect();
        let mut descent = Self {
            gram,
            products: moments.target_products(),
            target_square: moments.target_square(),
            penalty,
            weights: start.to_vec(),
            explained,
            active,
        };
        for j in 0..descent.weights.len() {
            if descent.gram[[j, j]] == 0.0 {
                descent.set(j, 0.0);
            }
        }
        descent
    }

    /// Steps through the active features; the largest change beside the largest coefficient.
    fn pass(&mut self) -> f64 {
        let (mut largest, mut change) = (0.0_f64, 0.0_f64);
        for place in 0..self.active.len() {
            let j = self.active[place];
            let (before, length) = (self.weights[j], self.gram[[j, j]]);
            let pull = self.products[j] - self.explained[j] + before * length;
            let shrunk = (pull.abs() - self.penalty.absolute).max(0.0);
            let after = shrunk.copysign(pull) / (length + self.penalty.square);
            self.set(j, after);
            change = change.max((after - before).abs());
            largest = largest.max(after.abs());
        }
        if largest == 0.0 {
            0.0
        } else {
            change / largest
        }
    }

    fn set(&mut self, j: usize, weight: f64) {
        let step = weight - self.weights[j];
        self.weights[j] = weight;
        if step != 0.0 {
            let row = self.gram.row(j);
            for (explained, product) in self.explained.iter_mut().zip(row) {
                *explained += step * product;
            }
        }
    }

    fn gap(&self) -> Gap {
        let Penalty { absolute, square } = self.penalty;
        let weights = ArrayView1::from(&self.weights);
        let explained = ArrayView1::from(&self.explained);
        let correlations = &self.products - &explained - &weights * square;
        let largest = correlations.iter().fold(0.0_f64, |max, c| max.max(c.abs()));
        let scale = if largest > absolute {
            absolute / largest
        } else {
            1.0
        };
        let residuals =
            self.target_square + weights.dot(&explained) - 2.0 * weights.dot(&self.products);
        let extended = residuals.max(0.0) + square * weights.dot(&weights);
        let sum: f64 = weights.iter().map(|w| w.abs()).sum();
        let size = 0.5 * (1.0 - scale).powi(2) * extended + absolute * sum
            - scale * weights.dot(&correlations);
        Gap {
            size: size.max(0.0),
            correlations: correlations.to_vec(),
            largest,
        }
    }

    /// Drops the features that a gap proves to have the coefficient 0.
    fn screen(&mut self, gap: &Gap) {
        let Penalty { absolute, square } = self.penalty;
        let radius = (2.0 * gap.size).sqrt() / absolute;
        let feasible = absolute.max(gap.largest);
        for j in std::mem::take(&mut self.active) {
            let slack = 1.0 - (gap.correlations[j] / feasible).abs();
            if slack / (self.gram[[j, j]] + square).sqrt() <= radius {
                self.active.push(j);
            } else {
                self.set(j, 0.0);
            }
        }
    }
}
