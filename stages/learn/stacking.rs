//! Weights of a stack: least squares over the predictions of its members, without negative weights.
//!
//! Minimises `‖y − b − P w‖²` over `b` and `w ≥ 0` (Breiman 1996, "Stacked regressions", who found that the sign matters
//! and the sum does not). Columns and target are centred; the weights are found by cyclic coordinate descent on the Gram
//! matrix, which for a convex problem with bounds of each variable alone converges to its minimum (Tseng 2001).

use ndarray::{Array1, ArrayView1, ArrayView2, Axis};
use thiserror::Error;

/// How much each member counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// What is added, in the target's unit.
    pub intercept: f64,
    /// One a member, 0 or more.
    pub weights: Vec<f64>,
    /// Whether the descent came to its end; if not, the weights predict well but are not settled to the last digit.
    pub converged: bool,
}

/// Why there are no weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StackingError {
    /// There are no rows, or no members.
    #[error("weigh {members} members on {rows} rows")]
    Empty {
        /// Number of members.
        members: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A prediction or a target is NaN or infinite.
    #[error("weigh predictions that are not finite")]
    NotFinite,
}

const MOST_SWEEPS: usize = 100_000;

/// The weights of members whose predictions of rows they have not seen are the columns of `predictions`
/// (`n_rows × n_members`); `targets` has `n_rows`.
///
/// A member that predicts the same for every row gets the weight 0.
///
/// # Errors
/// [`StackingError`].
pub fn fit(
    predictions: ArrayView2<'_, f64>,
    targets: ArrayView1<'_, f64>,
) -> Result<Weights, StackingError> {
    let (rows, members) = predictions.dim();
    let Some(means) = predictions.mean_axis(Axis(0)).filter(|_| members > 0) else {
        return Err(StackingError::Empty { members, rows });
    };
    let target_mean = targets.sum() / rows as f64;
    let centred = &predictions - &means;
    let gram = centred.t().dot(&centred);
    let products = centred.t().dot(&(&targets - target_mean));
    if !gram.iter().chain(&products).all(|x| x.is_finite()) {
        return Err(StackingError::NotFinite);
    }
    let (weights, converged) = descend(gram.view(), products.view());
    Ok(Weights {
        intercept: target_mean - means.dot(&weights),
        weights: weights.to_vec(),
        converged,
    })
}

/// Cyclic descent from no weights, until a sweep changes nothing that matters.
fn descend(gram: ArrayView2<'_, f64>, products: ArrayView1<'_, f64>) -> (Array1<f64>, bool) {
    let mut weights = Array1::zeros(products.len());
    let flat = 1e-12 * gram.diag().iter().copied().fold(0.0, f64::max);
    for _ in 0..MOST_SWEEPS {
        let mut largest: f64 = 0.0;
        for member in 0..weights.len() {
            let square = gram[[member, member]];
            if square <= flat {
                continue;
            }
            let slope = products[member] - gram.row(member).dot(&weights);
            let weight: f64 = (weights[member] + slope / square).max(0.0);
            largest = largest.max((weight - weights[member]).abs());
            weights[member] = weight;
        }
        if largest <= 1e-12 {
            return (weights, true);
        }
    }
    (weights, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn weights_are_those_of_least_squares_when_none_is_negative() {
        let predictions = array![[1.0, 4.0], [2.0, 1.0], [3.0, 3.0], [4.0, 0.0]];
        let targets = predictions.dot(&array![0.3, 0.6]) + 2.0;
        let found = fit(predictions.view(), targets.view()).expect("weights");
        assert!((found.intercept - 2.0).abs() < 1e-9, "{found:?}");
        assert!((found.weights[0] - 0.3).abs() < 1e-9 && (found.weights[1] - 0.6).abs() < 1e-9);
    }

    #[test]
    fn agrees_with_scipy_nnls_where_a_weight_would_be_negative() {
        // scipy.optimize.nnls 1.17 on the centred columns
        let predictions = array![[1.0, 1.2], [2.0, 1.9], [3.0, 3.2], [4.0, 4.1], [5.0, 4.7]];
        let targets = array![1.1, 2.3, 2.9, 4.0, 5.4];
        let found = fit(predictions.view(), targets.view()).expect("weights");
        assert!((found.weights[0] - 1.03).abs() < 1e-9, "{found:?}");
        assert_eq!(found.weights[1], 0.0);
    }

    #[test]
    fn what_is_constant_or_nothing_does_not_count() {
        let predictions = array![[1.0, 7.0], [2.0, 7.0], [4.0, 7.0]];
        let targets = array![2.0, 4.0, 8.0];
        let found = fit(predictions.view(), targets.view()).expect("weights");
        assert!((found.weights[0] - 2.0).abs() < 1e-9 && found.weights[1] == 0.0);
        let none = ndarray::Array2::zeros((0, 2));
        assert!(fit(none.view(), ndarray::Array1::zeros(0).view()).is_err());
        let bad = array![[f64::NAN], [1.0]];
        assert_eq!(
            fit(bad.view(), array![1.0, 2.0].view()),
            Err(StackingError::NotFinite)
        );
    }
}
