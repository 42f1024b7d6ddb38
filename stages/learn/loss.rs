//! Losses of first-order boosting: gradients, best constants, and what is reported.
//!
//! | loss | of the residual `r = y - f` | negative gradient | constant of a leaf |
//! |---|---|---|---|
//! | squared | `r²` | `r` | mean of `r` |
//! | absolute | `\|r\|` | `sign r` | median of `r` |
//! | Huber | `r² / 2` up to `δ`, `δ (\|r\| - δ / 2)` beyond | `r`, at most `δ` away from 0 | one step from the median |
//! | quantile | `α r` above 0, `(α - 1) r` below | `α` above 0, `α - 1` below | `α` quantile of `r` |
//!
//! Friedman 2001, algorithms 1 to 4; `δ` is the `α` quantile of `|r|` over all rows, anew every iteration (section 4.4).
//! Ties, zeros and quantiles are settled as in scikit-learn 1.9: the start is an interpolated quantile without weights,
//! every other quantile is the least value at or below which lies the share `α` of the weight.

/// What a fit makes small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// `(y - f)²`: predicts means. The metric is the mean squared error.
    SquaredError,
    /// `|y - f|`: predicts medians, and minds outliers less. The metric is the mean absolute error.
    AbsoluteError,
    /// Squared near 0, absolute beyond the quantile `alpha` of the absolute residuals.
    Huber {
        /// From 0 to 1, both excluded.
        alpha: f64,
    },
    /// The pinball loss: predicts the quantile `alpha`.
    Quantile {
        /// From 0 to 1, both excluded.
        alpha: f64,
    },
}

impl Loss {
    /// The constant that a fit starts from.
    pub(crate) fn start(self, targets: &[f64], weights: Option<&[f32]>) -> f64 {
        let share = match self {
            Self::SquaredError => return mean(targets, weights),
            Self::AbsoluteError | Self::Huber { .. } => 0.5,
            Self::Quantile { alpha } => alpha,
        };
        let mut values = targets.to_vec();
        match weights {
            None => interpolated_quantile(&mut values, share),
            Some(weights) => {
                let mut pairs: Vec<_> = values.into_iter().zip(weights.iter().copied()).collect();
                weighted_quantile(&mut pairs, share)
            }
        }
    }

    /// Where the loss turns from squared to absolute, for Huber; 0 else.
    pub(crate) fn delta(self, residuals: &[f64], weights: Option<&[f32]>) -> f64 {
        let Self::Huber { alpha } = self else {
            return 0.0;
        };
        let sizes = residuals.iter().map(|residual| residual.abs());
        match weights {
            None => quantile(&mut sizes.collect::<Vec<_>>(), alpha),
            Some(weights) => {
                let mut pairs: Vec<_> = sizes.zip(weights.iter().copied()).collect();
                weighted_quantile(&mut pairs, alpha)
            }
        }
    }

    /// The gradient of half the squared loss, or of the loss, at a residual.
    #[inline]
    pub(crate) fn gradient(self, residual: f64, delta: f64) -> f64 {
        match self {
            Self::SquaredError => -residual,
            Self::AbsoluteError => {
                if residual < 0.0 {
                    1.0
                } else {
                    -1.0
                }
            }
            Self::Huber { .. } => -residual.clamp(-delta, delta),
            Self::Quantile { alpha } => {
                if residual < 0.0 {
                    1.0 - alpha
                } else {
                    -alpha
                }
            }
        }
    }

    /// Whether the best constant of a leaf is not the mean gradient.
    pub(crate) fn needs_constants(self) -> bool {
        self != Self::SquaredError
    }

    /// The best constant for residuals, each with its weight.
    pub(crate) fn constant(self, residuals: &mut [(f64, f32)], delta: f64) -> f64 {
        match self {
            Self::SquaredError => {
                let weight: f64 = residuals.iter().map(|pair| f64::from(pair.1)).sum();
                residuals
                    .iter()
                    .map(|pair| pair.0 * f64::from(pair.1))
                    .sum::<f64>()
                    / weight
            }
            Self::AbsoluteError => weighted_quantile(residuals, 0.5),
            Self::Quantile { alpha } => weighted_quantile(residuals, alpha),
            Self::Huber { .. } => {
                let median = weighted_quantile(residuals, 0.5);
                let step =
                    |pair: &(f64, f32)| (pair.0 - median).clamp(-delta, delta) * f64::from(pair.1);
                let weight: f64 = residuals.iter().map(|pair| f64::from(pair.1)).sum();
                median + residuals.iter().map(step).sum::<f64>() / weight
            }
        }
    }

    /// The loss at a residual.
    #[inline]
    pub(crate) fn at(self, residual: f64, delta: f64) -> f64 {
        match self {
            Self::SquaredError => residual * residual,
            Self::AbsoluteError => residual.abs(),
            Self::Huber { .. } => {
                let inside = residual.abs().min(delta);
                inside * (residual.abs() - inside / 2.0)
            }
            Self::Quantile { alpha } => {
                if residual >= 0.0 {
                    alpha * residual
                } else {
                    (alpha - 1.0) * residual
                }
            }
        }
    }

    /// The mean loss of predictions.
    pub(crate) fn mean(
        self,
        targets: &[f64],
        predictions: &[f64],
        weights: Option<&[f32]>,
        delta: f64,
    ) -> f64 {
        let losses = targets
            .iter()
            .zip(predictions)
            .map(|(y, f)| self.at(y - f, delta));
        match weights {
            None => losses.sum::<f64>() / targets.len() as f64,
            Some(weights) => {
                let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
                let weighted = losses
                    .zip(weights)
                    .map(|(loss, &weight)| loss * f64::from(weight));
                weighted.sum::<f64>() / total
            }
        }
    }
}

/// The mean of values, exact when they are all the same.
pub(crate) fn mean(values: &[f64], weights: Option<&[f32]>) -> f64 {
    let first = values.first().copied().unwrap_or(0.0);
    match weights {
        None => {
            first
                + values.iter().map(|value| value - first).sum::<f64>() / values.len().max(1) as f64
        }
        Some(weights) => {
            let total: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
            let pairs = values.iter().zip(weights);
            first
                + pairs
                    .map(|(value, &weight)| (value - first) * f64::from(weight))
                    .sum::<f64>()
                    / total
        }
    }
}

/// The quantile between the two values next to it, as `numpy.percentile`.
fn interpolated_quantile(values: &mut [f64], share: f64) -> f64 {
    let position = share * (values.len() - 1) as f64;
    let below = position as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(below, f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    low + (high - low) * (position - below as f64)
}

/// The least value at or below which lies the share of all values.
fn quantile(values: &mut [f64], share: f64) -> f64 {
    let place = rank(values.len(), share);
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// The place of a quantile among so many sorted values.
fn rank(count: usize, share: f64) -> usize {
    let wanted = (share * count as f64).ceil() as usize;
    wanted.clamp(1, count) - 1
}

/// The least value at or below which lies the share of all weight.
fn weighted_quantile(pairs: &mut [(f64, f32)], share: f64) -> f64 {
    let compare = |a: &(f64, f32), b: &(f64, f32)| a.0.total_cmp(&b.0);
    if pairs.iter().all(|pair| pair.1 == 1.0) {
        let place = rank(pairs.len(), share);
        return pairs.select_nth_unstable_by(place, compare).1.0;
    }
    pairs.sort_unstable_by(compare);
    let total: f64 = pairs.iter().map(|pair| f64::from(pair.1)).sum();
    let mut below = 0.0;
    for (value, weight) in pairs.iter() {
        below += f64::from(*weight);
        if *weight > 0.0 && below >= share * total {
            return *value;
        }
    }
    pairs.last().map_or(0.0, |pair| pair.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_numpys_and_scikit_learns() {
        let values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(interpolated_quantile(&mut values.clone(), 0.5), 2.5);
        // numpy.percentile([1, 2, 3, 4], 90)
        assert!((interpolated_quantile(&mut values.clone(), 0.9) - 3.7).abs() < 1e-12);
        assert_eq!(quantile(&mut values.clone(), 0.5), 2.0);
        assert_eq!(quantile(&mut values.clone(), 0.9), 4.0);
        let mut pairs = [(4.0, 1.0), (1.0, 5.0), (3.0, 1.0), (2.0, 0.0)];
        assert_eq!(weighted_quantile(&mut pairs, 0.5), 1.0);
        assert_eq!(weighted_quantile(&mut pairs, 0.8), 3.0);
    }

    #[test]
    fn gradients_are_slopes() {
        let losses = [
            Loss::AbsoluteError,
            Loss::Huber { alpha: 0.9 },
            Loss::Quantile { alpha: 0.2 },
        ];
        for loss in losses {
            for residual in [-3.0, -0.3, 0.4, 2.0] {
                let step = 1e-6;
                let slope =
                    (loss.at(residual - step, 1.0) - loss.at(residual + step, 1.0)) / (2.0 * step);
                assert!(
                    (loss.gradient(residual, 1.0) - slope).abs() < 1e-6,
                    "{loss:?} {residual}"
                );
            }
        }
    }

    #[test]
    fn the_constant_of_a_leaf_has_the_least_loss() {
        let residuals: Vec<(f64, f32)> = (0..40_u8)
            .map(|i| ((f64::from(i) * 1.7).sin() * 5.0, f32::from(1 + i % 3)))
            .collect();
        for loss in [
            Loss::SquaredError,
            Loss::AbsoluteError,
            Loss::Quantile { alpha: 0.3 },
        ] {
            let sum = |constant: f64| -> f64 {
                let loss = residuals
                    .iter()
                    .map(|pair| loss.at(pair.0 - constant, 0.0) * f64::from(pair.1));
                loss.sum()
            };
            let best = loss.constant(&mut residuals.clone(), 0.0);
            assert!(
                sum(best) <= sum(best - 1e-3) && sum(best) <= sum(best + 1e-3),
                "{loss:?}"
            );
        }
    }
}
