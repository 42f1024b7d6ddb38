//! Means and centred products of features and target: all that the fast solvers need of a dataset.
//!
//! With `Z = [X y]`, less its column means, the products are `ZᵀZ`: the Gram matrix, `Xᵀy` and `‖y‖²`. Whatever the number
//! of rows, a fit from there costs what the features cost. Moments of parts add up to moments of the whole, so that k-fold
//! validation reads the rows once.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use super::LinearModel;
use super::error::LinearError;
use super::rows::Rows;

/// Number, means and centred products of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    rows: usize,
    /// `n_features + 1`: of the features, then of the target.
    means: Array1<f64>,
    /// `(n_features + 1)²`: sums of products of deviations from the means; the target last.
    products: Array2<f64>,
}

impl Moments {
    /// The moments of `records` (`n_rows × n_features`) and `targets` (`n_rows`).
    ///
    /// Two passes: means, then products of deviations, so that a large mean costs no digits. Costs
    /// `n_rows · n_features²` multiplications, on all cores, with the same bits whatever their number.
    ///
    /// # Errors
    /// [`LinearError::NoRows`], [`LinearError::Shapes`], [`LinearError::NotFinite`], [`LinearError::BadTarget`], and
    /// [`LinearError::TooLarge`] when squares overflow.
    pub fn new(
        records: ArrayView2<'_, f64>,
        targets: ArrayView1<'_, f64>,
    ) -> Result<Self, LinearError> {
        Self::of(&Rows::new(&records, &targets)?)
    }

    pub(super) fn of(rows: &Rows<'_>) -> Result<Self, LinearError> {
        let columns = rows.features() + 1;
        // Deviations from the first row: the mean of a constant column is exact, and what is left of it is 0.
        let first = rows.first();
        let sums = rows.sum(&first, (1, columns), |block, sum| {
            let mut sum = sum.row_mut(0);
            sum += &block.sum_axis(Axis(0));
        });
        let means = first + sums.index_axis_move(Axis(0), 0) / rows.len().max(1) as f64;
        let products = rows.sum(&means, (columns, columns), |block, sum| {
            general_mat_mul(1.0, &block.t(), block, 1.0, sum);
        });
        if !products.iter().all(|product| product.is_finite()) {
            return Err(rows.fault());
        }
        Ok(Self {
            rows: rows.len(),
            means,
            products,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.means.len() - 1
    }

    /// Means of the features.
    pub fn means(&self) -> ArrayView1<'_, f64> {
        self.means.view().split_at(Axis(0), self.features()).0
    }

    /// Mean of the target.
    pub fn target_mean(&self) -> f64 {
        self.means[self.features()]
    }

    /// `XᵀX` of centred features, `n_features × n_features`.
    pub fn gram(&self) -> ArrayView2<'_, f64> {
        let features = self.features();
        let rows = self.products.view().split_at(Axis(0), features).0;
        rows.split_at(Axis(1), features).0
    }

    /// `Xᵀy` of centred features and target.
    pub fn target_products(&self) -> ArrayView1<'_, f64> {
        let features = self.features();
        self.products.column(features).split_at(Axis(0), features).0
    }

    /// `‖y‖²` of the centred target.
    pub fn target_square(&self) -> f64 {
        self.products[[self.features(), self.features()]]
    }

    /// The same moments about 0 instead of the means, for a model without an intercept.
    pub fn about_zero(&self) -> Self {
        Self {
            rows: self.rows,
            means: Array1::zeros(self.means.len()),
            products: &self.products + &(outer(&self.means) * self.rows as f64),
        }
    }

    /// The moments of these rows and `other`'s together (Chan, Golub and LeVeque 1979).
    pub fn merged(&self, other: &Self) -> Self {
        let rows = self.rows + other.rows;
        if rows == 0 {
            return self.clone();
        }
        let share = other.rows as f64 / rows as f64;
        let apart = &other.means - &self.means;
        let between = outer(&apart) * (self.rows as f64 * share);
        Self {
            rows,
            means: &self.means + &(&apart * share),
            products: &self.products + &other.products + between,
        }
    }

    /// The mean squared error of `model` on these rows, in the target's unit squared, from the moments alone.
    ///
    /// Exact to about `1e-15` of the target's variance.
    pub fn mean_squared_error(&self, model: &LinearModel) -> f64 {
        let weights = ArrayView1::from(&model.coefficients);
        let rest = self.target_mean() - model.intercept - self.means().dot(&weights);
        let spread = self.target_square() - 2.0 * self.target_products().dot(&weights)
            + weights.dot(&self.gram().dot(&weights));
        spread.max(0.0) / self.rows.max(1) as f64 + rest * rest
    }

    /// The model with these coefficients of the centred features.
    pub(super) fn model(&self, coefficients: Array1<f64>) -> LinearModel {
        LinearModel {
            intercept: self.target_mean() - self.means().dot(&coefficients),
            coefficients: coefficients.to_vec(),
        }
    }

    /// Means of the features, then of the target.
    pub(super) fn all_means(&self) -> &Array1<f64> {
        &self.means
    }
}

/// `v vᵀ`.
fn outer(v: &Array1<f64>) -> Array2<f64> {
    let column = v.view().insert_axis(Axis(1));
    column.dot(&column.t())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(rows: usize) -> (Array2<f64>, Array1<f64>) {
        let records = Array2::from_shape_fn((rows, 7), |(i, j)| 1e3 + ((i * 7 + j) as f64).sin());
        let targets = Array1::from_shape_fn(rows, |i| (i as f64).cos() - 40.0);
        (records, targets)
    }

    #[test]
    fn threads_and_layout_do_not_change_a_bit() {
        let (records, targets) = dataset(20_000);
        let with = |threads, records: &Array2<f64>| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let moments = || Moments::new(records.view(), targets.view());
            pool.expect("threads").install(moments).expect("moments")
        };
        let one = with(1, &records);
        assert_eq!(one, with(4, &records));
        let columns = records.t().as_standard_layout().reversed_axes().to_owned();
        assert_eq!(columns.strides(), [1, 20_000]);
        assert_eq!(one, with(2, &columns));
        let means = records.mean_axis(Axis(0)).expect("rows");
        let centred = &records - &means;
        let off = one.gram().to_owned() - centred.t().dot(&centred);
        assert!(off.iter().all(|off| off.abs() < 1e-8), "{off}");
    }

    #[test]
    fn parts_add_up() {
        let (records, targets) = dataset(3000);
        let all = Rows::new(&records, &targets).expect("rows");
        let places: Vec<usize> = (0..3000).collect();
        let (some, rest) = places.split_at(700);
        let part = |places| Moments::of(&all.only(places)).expect("moments");
        let whole = Moments::of(&all).expect("moments");
        let merged = part(some).merged(&part(rest));
        assert_eq!(merged.rows(), 3000);
        let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (1.0 + b.abs());
        assert!(
            merged
                .means
                .iter()
                .zip(&whole.means)
                .all(|(a, b)| near(*a, *b))
        );
        assert!(
            merged
                .products
                .iter()
                .zip(&whole.products)
                .all(|(a, b)| near(*a, *b))
        );
        let nothing = part(&[]);
        assert_eq!(nothing.merged(&nothing).rows(), 0);
    }

    #[test]
    fn a_constant_column_has_no_spread_at_all() {
        let records = Array2::from_elem((5000, 1), 0.1);
        let targets = Array1::from_shape_fn(5000, |i| i as f64);
        let moments = Moments::new(records.view(), targets.view()).expect("moments");
        assert_eq!(moments.gram()[[0, 0]], 0.0);
        assert_eq!(moments.means()[0], 0.1);
    }

    #[test]
    fn what_is_not_finite_is_found() {
        let (mut records, targets) = dataset(10);
        records[[3, 2]] = f64::INFINITY;
        let error = Moments::new(records.view(), targets.view()).expect_err("no moments");
        assert_eq!(error.to_string(), "feature 2 is inf in row 3");
        records[[3, 2]] = 1e200;
        let error = Moments::new(records.view(), targets.view()).expect_err("no moments");
        assert!(matches!(error, LinearError::TooLarge), "{error}");
    }
}
