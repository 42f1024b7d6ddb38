//! The Gram matrix `XᵀX`, on all cores, to the same bits whatever their number.

use ndarray::{Array2, ArrayView2, Axis};
use rayon::prelude::*;

/// Rows multiplied at a time. Part of the result's bits: sums are taken block by block, in order.
const BLOCK: usize = 4096;

/// `XᵀX`, `n_features × n_features`; costs `n_rows · n_features²` multiplications.
pub(super) fn gram(records: &ArrayView2<'_, f64>) -> Array2<f64> {
    let features = records.ncols();
    let blocks: Vec<_> = records.axis_chunks_iter(Axis(0), BLOCK).collect();
    let products: Vec<Array2<f64>> = blocks
        .par_iter()
        .map(|block| block.t().dot(block))
        .collect();
    products
        .into_iter()
        .fold(Array2::zeros((features, features)), |sum, product| {
            sum + product
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_do_not_change_a_bit() {
        let records = Array2::from_shape_fn((10_000, 7), |(i, j)| ((i * 7 + j) as f64).sin());
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.expect("threads").install(|| gram(&records.view()))
        };
        assert_eq!(with(1), with(4));
        let direct = records.t().dot(&records);
        assert!(
            (with(2) - direct)
                .iter()
                .all(|difference| difference.abs() < 1e-9)
        );
    }
}
