//! Steps on numbers: bound, impute, derive, scale.

use serde::{Deserialize, Serialize};

use super::{Numbers, Recipe};
use crate::error::Error;
use crate::table::{Column, Table};

/// A numeric column of the table: bounded, then imputed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numeric {
    /// Its name in the table.
    pub(crate) column: String,
    /// Values below the first are raised to it, values above the second lowered.
    pub(crate) bounds: Option<[f64; 2]>,
    /// What a missing value becomes; none: it is an error.
    pub(crate) impute: Option<f64>,
}

impl Numeric {
    /// The column's values, one a row.
    pub(crate) fn apply(&self, table: &Table) -> Result<Vec<f64>, Error> {
        fill(&self.column, self.bounded(table)?, self.impute)
    }

    /// The column's values after bounding, before imputing.
    pub(crate) fn bounded(&self, table: &Table) -> Result<Vec<Option<f64>>, Error> {
        let mut values = table.column(&self.column)?.numbers()?.into_owned();
        for (row, value) in values.iter_mut().enumerate() {
            if let (Some(x), Some([low, high])) = (value.as_mut(), self.bounds) {
                *x = x.clamp(low, high);
            }
            if let Some(x) = value.filter(|x| !x.is_finite()) {
                return Err(Error::NotFinite {
                    column: self.column.clone(),
                    row: row + 1,
                    value: x,
                });
            }
        }
        Ok(values)
    }
}

/// A column computed from others, then imputed where it is undefined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Derived {
    /// Its name.
    pub(crate) name: String,
    /// How it is computed.
    pub(crate) recipe: Recipe,
    /// What an undefined value becomes (the ratio to zero); none: it is an error.
    pub(crate) impute: Option<f64>,
}

impl Derived {
    /// The column's values, one a row.
    pub(crate) fn apply(&self, numbers: &Numbers) -> Result<Vec<f64>, Error> {
        let values = fill(&self.name, self.recipe.compute(numbers)?, self.impute);
        values.map_err(|error| match error {
            Error::MissingValue { column, row } => Error::Undefined { column, row },
            other => other,
        })
    }
}

/// A numeric feature: a column minus its centre, divided by its scale.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Scaled {
    /// The numeric or derived column, and the feature's name.
    pub(crate) column: String,
    /// What is subtracted, in the column's unit.
    pub(crate) center: f64,
    /// What the difference is divided by, in the column's unit; never 0.
    pub(crate) scale: f64,
}

impl Scaled {
    /// The feature's values, one a row.
    pub(crate) fn apply(&self, numbers: &Numbers) -> Result<Vec<Option<f64>>, Error> {
        let values = numbers.get(&self.column)?.iter();
        Ok(values
            .map(|x| Some((x - self.center) / self.scale))
            .collect())
    }
}

/// Every value, the missing ones replaced.
fn fill(name: &str, values: Vec<Option<f64>>, impute: Option<f64>) -> Result<Vec<f64>, Error> {
    match impute {
        Some(filler) => Ok(values.into_iter().map(|x| x.unwrap_or(filler)).collect()),
        None => Column::number(name, values).finite(),
    }
}
