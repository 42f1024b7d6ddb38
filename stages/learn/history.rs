//! How a fit went, iteration by iteration, and how the caller watches it.

use std::ops::ControlFlow;

use ndarray::{ArrayView1, ArrayView2};

/// Where a fit stands after an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Iteration {
    /// How many trees there are, from 1.
    pub number: usize,
    /// How many there will be at most.
    pub of: usize,
    /// The metric on the training rows; none in a forest, whose trees know them by heart.
    pub train: Option<f64>,
    /// The metric on the validation rows, if there are any.
    pub validation: Option<f64>,
}

/// Rows that a fit is measured on and not fitted to.
#[derive(Debug, Clone, Copy)]
pub struct Validation<'a> {
    /// `n_rows × n_features`.
    pub records: ArrayView2<'a, f64>,
    /// `n_rows`, finite.
    pub targets: ArrayView1<'a, f64>,
}

/// What is called after every iteration; `Break` ends the fit with the trees so far.
pub type Observer<'a> = dyn FnMut(&Iteration) -> ControlFlow<()> + 'a;

/// Who watches a fit: `Monitor::default()` is nobody.
#[derive(Default)]
pub struct Monitor<'a> {
    /// Rows to measure every iteration on; early stopping needs them.
    pub validation: Option<Validation<'a>>,
    /// Called after every iteration, in order, from the thread that fits.
    pub observe: Option<&'a mut Observer<'a>>,
}

impl Monitor<'_> {
    /// Tells the observer.
    pub(crate) fn tell(&mut self, iteration: &Iteration) -> ControlFlow<()> {
        match &mut self.observe {
            Some(observe) => observe(iteration),
            None => ControlFlow::Continue(()),
        }
    }
}

/// The metric of every iteration.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct History {
    /// On the training rows.
    pub train: Vec<f64>,
    /// On the validation rows; empty without any.
    pub validation: Vec<f64>,
    /// How many trees the model keeps: with early stopping the first of those that were best on the validation rows.
    pub best_iteration: usize,
}

/// When a fit stops because it gets no better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Patience {
    /// Iterations without a better metric.
    pub(crate) rounds: usize,
    /// How much better is better, in the metric's unit.
    pub(crate) tol: f64,
}

/// Watches a metric that should fall.
#[derive(Debug)]
pub(crate) struct Watch {
    patience: Patience,
    bar: f64,
    since: usize,
}

impl Watch {
    /// Begins to watch.
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            patience,
            bar: f64::INFINITY,
            since: 0,
        }
    }

    /// Takes the metric of the next iteration; whether patience is at its end.
    pub(crate) fn is_over(&mut self, metric: f64) -> bool {
        if metric < self.bar - self.patience.tol {
            self.bar = metric;
            self.since = 0;
        } else {
            self.since += 1;
        }
        self.since >= self.patience.rounds
    }
}

impl History {
    /// The number of the iteration that was best on the validation rows, from 1; the first of equal ones.
    pub(crate) fn best(&self) -> usize {
        let mut best = 0;
        for (place, metric) in self.validation.iter().enumerate() {
            if *metric < self.validation[best] {
                best = place;
            }
        }
        best + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_after_its_rounds_and_small_steps_do_not_count() {
        let patience = Patience {
            rounds: 2,
            tol: 0.1,
        };
        let over = |metrics: &[f64]| {
            let mut watch = Watch::new(patience);
            metrics.iter().position(|&metric| watch.is_over(metric))
        };
        assert_eq!(over(&[3.0, 2.0, 1.0, 0.5]), None);
        assert_eq!(over(&[3.0, 2.95, 2.91]), Some(2));
        assert_eq!(over(&[3.0, 2.95, 2.85, 2.9]), None);
        assert_eq!(over(&[f64::NAN, f64::NAN]), Some(1));
    }

    #[test]
    fn the_first_of_the_best_is_kept() {
        let history = History {
            validation: vec![3.0, 1.0, 2.0, 1.0],
            ..History::default()
        };
        assert_eq!(history.best(), 2);
    }
}
