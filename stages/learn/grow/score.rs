//! How good a split is: the structure score of second-order boosting.
//!
//! With `G` and `H` the sums of gradients and hessians of a leaf, its best weight is `w = -T(G) / (H + λ)` and lowers the
//! objective by `½ T(G)² / (H + λ)` (Chen & Guestrin 2016, equations 5 and 6), where `T` moves `G` towards 0 by α, the
//! penalty on absolute weights. The gain of a split is `score(left) + score(right) - score(parent)`, twice the bracket of
//! equation 7, as XGBoost reports it. With `λ = α = 0` and hessians of 1 it is the decrease of the sum of squares: CART's
//! criterion (Breiman et al. 1984), and Friedman's (2001, equation 35) as well.

use super::cell::{Sums, Unit};

/// Penalties and bounds on the weights of leaves, in the unit of the target.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Penalty {
    /// λ, of squared weights.
    pub(crate) lambda: f64,
    /// α, of absolute weights.
    pub(crate) alpha: f64,
    /// Per feature -1, 0 or 1: how predictions must change with it. Empty when no feature is constrained.
    pub(crate) monotone: Vec<i8>,
}

/// The range in which the weights below a node must lie, so that a split above stays monotone.
pub(crate) type Bounds = [f64; 2];

/// No bounds.
pub(crate) const UNBOUND: Bounds = [f64::NEG_INFINITY, f64::INFINITY];

/// The scores of splits of one node, in steps of its unit.
pub(crate) trait Score: Copy {
    /// `score(left) + score(right)`; negative infinity when the split is not allowed.
    fn pair(&self, left: Sums, right: Sums) -> f64;
    /// False only when [`Self::pair`] is not above `least`; a question that needs no division, for nearly every split it is
    /// the last.
    #[inline]
    fn may_beat(&self, _left: Sums, _right: Sums, _least: f64) -> bool {
        true
    }
    /// Whether it matters which child is the left one.
    #[inline]
    fn is_directed(&self) -> bool {
        false
    }
    /// How much a split lowers the loss.
    fn gain(&self, left: Sums, right: Sums) -> f64;
}

/// `G² / (H + λ)`: neither α nor constraints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plain {
    pub(crate) lambda: f64,
}

/// The score with α, within bounds, in the direction a feature demands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounded {
    pub(crate) lambda: f64,
    pub(crate) alpha: f64,
    pub(crate) bounds: Bounds,
    pub(crate) direction: i8,
    /// Whether any feature is constrained: weights then are bounded and scores are of the bounded weight.
    pub(crate) constrained: bool,
}

impl Score for Plain {
    #[inline]
    fn pair(&self, left: Sums, right: Sums) -> f64 {
        let (l, r) = (left.hessian + self.lambda, right.hessian + self.lambda);
        let (a, b) = (
            left.gradient * left.gradient,
            right.gradient * right.gradient,
        );
        // one division instead of two
        (a * r + b * l) / (l * r)
    }

    #[inline]
    fn may_beat(&self, left: Sums, right: Sums, least: f64) -> bool {
        // some roundings more than that of `pair` and of this product together
        const BELOW: f64 = 1.0 - 8.0 * f64::EPSILON;
        let (l, r) = (left.hessian + self.lambda, right.hessian + self.lambda);
        let (a, b) = (
            left.gradient * left.gradient,
            right.gradient * right.gradient,
        );
        a * r + b * l >= (least * BELOW) * (l * r)
    }

    /// Without a penalty, in the form that is exactly 0 when both sides have one mean.
    fn gain(&self, left: Sums, right: Sums) -> f64 {
        let hessian = left.hessian + right.hessian;
        if self.lambda == 0.0 {
            let apart = left.gradient * right.hessian - right.gradient * left.hessian;
            return apart * apart / (left.hessian * right.hessian * hessian);
        }
        let gradient = left.gradient + right.gradient;
        let pair = self.pair(left, right);
        above_noise(pair - gradient * gradient / (hessian + self.lambda), pair)
    }
}

impl Bounded {
    /// The best weight of a leaf.
    #[inline]
    pub(crate) fn weight(&self, sums: Sums) -> f64 {
        let weight = -towards_zero(sums.gradient, self.alpha) / (sums.hessian + self.lambda);
        weight.max(self.bounds[0]).min(self.bounds[1])
    }

    #[inline]
    fn score(&self, sums: Sums, weight: f64) -> f64 {
        let hessian = sums.hessian + self.lambda;
        if self.constrained {
            // as XGBoost: the objective at a weight that a bound may have moved, without α
            -(2.0 * sums.gradient * weight + hessian * weight * weight)
        } else {
            let gradient = towards_zero(sums.gradient, self.alpha);
            gradient * gradient / hessian
        }
    }
}

impl Score for Bounded {
    #[inline]
    fn is_directed(&self) -> bool {
        self.direction != 0
    }

    #[inline]
    fn pair(&self, left: Sums, right: Sums) -> f64 {
        let (l, r) = (self.weight(left), self.weight(right));
        let is_wrong = match self.direction {
            0 => false,
            1.. => l > r,
            _ => l < r,
        };
        if is_wrong {
            return f64::NEG_INFINITY;
        }
        self.score(left, l) + self.score(right, r)
    }

    fn gain(&self, left: Sums, right: Sums) -> f64 {
        let parent = Sums {
            gradient: left.gradient + right.gradient,
            hessian: left.hessian + right.hessian,
            rows: left.rows + right.rows,
        };
        let pair = self.pair(left, right);
        above_noise(pair - self.score(parent, self.weight(parent)), pair)
    }
}

/// `T`: the gradient moved towards 0 by `alpha`, at most to 0.
#[inline]
fn towards_zero(gradient: f64, alpha: f64) -> f64 {
    gradient - gradient.clamp(-alpha, alpha)
}

/// A difference of scores, 0 when rounding alone may have made it.
fn above_noise(gain: f64, pair: f64) -> f64 {
    if gain > pair * 1e-13 { gain } else { 0.0 }
}

impl Penalty {
    /// Whether weights need more than λ.
    pub(crate) fn is_plain(&self) -> bool {
        self.alpha == 0.0 && self.monotone.is_empty()
    }

    /// The score without α and constraints.
    pub(crate) fn plain(&self, unit: &Unit) -> Plain {
        Plain {
            lambda: self.lambda / unit.hessian,
        }
    }

    /// The score of splits by `feature` in a node whose weights are bound, all in steps.
    pub(crate) fn bounded(&self, unit: &Unit, bounds: Bounds, feature: Option<u32>) -> Bounded {
        let direction = feature.and_then(|feature| self.monotone.get(feature as usize));
        Bounded {
            lambda: self.lambda / unit.hessian,
            alpha: self.alpha / unit.gradient,
            bounds: bounds.map(|bound| bound * (unit.hessian / unit.gradient)),
            direction: direction.copied().unwrap_or(0),
            constrained: !self.monotone.is_empty(),
        }
    }

    /// The weight of a leaf, in the unit of the target.
    pub(crate) fn weight(&self, sums: Sums, unit: &Unit, bounds: Bounds) -> f64 {
        let weight = self.bounded(unit, bounds, None).weight(sums);
        weight * (unit.gradient / unit.hessian)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(gradient: f64, rows: f64) -> Sums {
        Sums {
            gradient,
            hessian: rows,
            rows,
        }
    }

    #[test]
    fn both_forms_agree() {
        let (left, right) = (sums(-3.0, 2.0), sums(5.0, 4.0));
        let bounded = Bounded {
            lambda: 1.5,
            alpha: 0.0,
            bounds: UNBOUND,
            direction: 0,
            constrained: true,
        };
        // 9 / 3.5 + 25 / 5.5 - 4 / 7.5
        let expected = 9.0 / 3.5 + 25.0 / 5.5 - 4.0 / 7.5;
        assert!((Plain { lambda: 1.5 }.gain(left, right) - expected).abs() < 1e-12);
        assert!((bounded.gain(left, right) - expected).abs() < 1e-12);
        let free = Bounded {
            alpha: 1.0,
            constrained: false,
            ..bounded
        };
        let expected = 4.0 / 3.5 + 16.0 / 5.5 - 1.0 / 7.5;
        assert!((free.gain(left, right) - expected).abs() < 1e-12);
    }

    #[test]
    fn sides_of_one_mean_gain_nothing() {
        assert_eq!(
            Plain { lambda: 0.0 }
                .gain(sums(0.3, 3.0), sums(0.1, 1.0))
                .total_cmp(&1e-30),
            std::cmp::Ordering::Less
        );
        assert_eq!(
            Plain { lambda: 0.0 }.gain(sums(21.0, 3.0), sums(7.0, 1.0)),
            0.0
        );
    }

    #[test]
    fn a_split_against_the_direction_is_no_split() {
        let rising = Bounded {
            lambda: 0.0,
            alpha: 0.0,
            bounds: UNBOUND,
            direction: 1,
            constrained: true,
        };
        // the weight is -G / H: the left side would predict more
        assert_eq!(
            rising.pair(sums(-5.0, 1.0), sums(5.0, 1.0)),
            f64::NEG_INFINITY
        );
        assert!(rising.pair(sums(5.0, 1.0), sums(-5.0, 1.0)) > 0.0);
    }
}
