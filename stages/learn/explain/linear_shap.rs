//! Contributions of features to a linear model's predictions.

use ndarray::{ArrayView1, ArrayView2};

use super::Explanation;

/// The Shapley values of a linear model for `records` (`n_rows × n_features`): coefficient times deviation from `means`.
///
/// Exact where features that are not known keep their means (Štrumbelj and Kononenko 2014; `LinearExplainer` of shap with
/// independent features). Costs a multiplication a value.
///
/// # Panics
/// When coefficients, means and records have different numbers of features.
pub fn linear_shap(
    intercept: f64,
    coefficients: &[f64],
    means: ArrayView1<'_, f64>,
    records: ArrayView2<'_, f64>,
) -> Explanation {
    let coefficients = ArrayView1::from(coefficients);
    assert_eq!(means.len(), coefficients.len(), "bug: other features");
    assert_eq!(records.ncols(), coefficients.len(), "bug: other features");
    Explanation {
        expected: intercept + coefficients.dot(&means),
        values: (&records - &means) * coefficients,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn contributions_are_deviations_times_coefficients() {
        let records = array![[1.0, 2.0, 3.0], [0.5, -2.0, 7.0]];
        let means = array![1.0, 1.0, 2.0];
        let explained = linear_shap(4.0, &[2.0, -1.0, 0.5], means.view(), records.view());
        assert_eq!(explained.expected, 6.0);
        assert_eq!(explained.values, array![[0.0, -1.0, 0.5], [-1.0, 3.0, 2.5]]);
    }
}
