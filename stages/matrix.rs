//! From plain columns to the matrix of a solver: the one place where tables meet ndarray.

use linfa::DatasetBase;
use ndarray::{Array1, Array2, ShapeBuilder};

use crate::error::Error;
use crate::table::Table;

/// Features and target of a part.
pub(crate) type Dataset = DatasetBase<Array2<f64>, Array1<f64>>;

/// The dataset of `table`: every column but `target` is a feature, in the table's order.
///
/// Records are `n_rows × n_features`, column-major, for the solvers walk along columns.
///
/// # Errors
/// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::BadTarget`], [`Error::MissingValue`], [`Error::NotFinite`].
pub(crate) fn dataset(table: &Table, target: &str) -> Result<Dataset, Error> {
    let targets = Array1::from(table.target(target)?);
    let features: Vec<_> = table
        .columns()
        .iter()
        .filter(|c| c.name != target)
        .collect();
    let mut values = Vec::with_capacity(table.rows() * features.len());
    for column in &features {
        values.extend(column.finite()?);
    }
    let shape = (table.rows(), features.len()).f();
    let records = Array2::from_shape_vec(shape, values);
    let records = records.map_err(|error| Error::Numerical(error.to_string()))?;
    let names = features.iter().map(|column| column.name.clone()).collect();
    Ok(DatasetBase::new(records, targets).with_feature_names(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Column;

    #[test]
    fn columns_become_columns() {
        let table = Table::new(vec![
            Column::number("a", vec![Some(1.0), Some(2.0)]),
            Column::number("y", vec![Some(5.0), Some(6.0)]),
            Column::number("b", vec![Some(3.0), Some(4.0)]),
        ]);
        let dataset = dataset(&table.expect("a table"), "y").expect("a dataset");
        assert_eq!(dataset.records, ndarray::array![[1.0, 3.0], [2.0, 4.0]]);
        assert_eq!(dataset.targets, ndarray::array![5.0, 6.0]);
        assert_eq!(dataset.feature_names(), ["a", "b"]);
        assert_eq!(dataset.records.strides(), [1, 2]);
    }
}
