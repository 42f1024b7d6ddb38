//! Which columns are linear combinations of those before them.
//!
//! linfa's least squares divides by what is left of such a column after the others are taken out: rounding noise, and
//! the coefficients become huge and cancel each other. So they are found first and get the coefficient 0, as R's `lm`
//! does. Predictions are those of every other least-squares solution (scikit-learn takes the one of least norm); the
//! coefficients are ones a person can read.

use ndarray::Array2;

use super::gram::gram;

/// A column is aliased when the others explain all but this fraction of its sum of squares.
///
/// R's `lm` uses 1e-7 of its norm, that is 1e-14 of its squares; the Gram matrix knows them to about 1e-15 only.
const TOLERANCE: f64 = 1e-11;

/// The places of the aliased columns, ascending, of a centred matrix: also those that are constant.
///
/// A Cholesky decomposition of the Gram matrix that passes over columns whose pivot vanishes.
pub(super) fn columns(records: &Array2<f64>) -> Vec<usize> {
    let gram = gram(&records.view());
    let features = records.ncols();
    let mut factor = Array2::<f64>::zeros((features, features));
    let mut aliased = Vec::new();
    for j in 0..features {
        let explained: f64 = (0..j).map(|k| factor[[j, k]].powi(2)).sum();
        let pivot = gram[[j, j]] - explained;
        if pivot <= TOLERANCE * gram[[j, j]] {
            aliased.push(j);
            continue;
        }
        factor[[j, j]] = pivot.sqrt();
        for i in j + 1..features {
            let shared: f64 = (0..j).map(|k| factor[[i, k]] * factor[[j, k]]).sum();
            factor[[i, j]] = (gram[[i, j]] - shared) / factor[[j, j]];
        }
    }
    aliased
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_combinations_of_former_columns() {
        // arbitrary but fixed
        let noise = |i: usize, j: usize| ((i * 7919 + i * i * (j + 1) * 31) % 1009) as f64;
        let mut records = Array2::from_shape_fn((200, 5), |(i, j)| noise(i, j));
        let combination = &records.column(0) * 1e6 - &records.column(2) * 3.0;
        records.column_mut(3).assign(&combination);
        assert_eq!(columns(&records), [3]);
        records.column_mut(1).fill(0.0);
        assert_eq!(columns(&records), [1, 3]);
        assert!(columns(&Array2::zeros((3, 0))).is_empty());
    }

    #[test]
    fn keeps_what_is_only_similar() {
        let mut records = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (j + 2)) as f64).cos());
        let similar = &records.column(0) + &records.column(1) * 1e-4;
        records.column_mut(1).assign(&similar);
        assert!(columns(&records).is_empty());
    }
}
