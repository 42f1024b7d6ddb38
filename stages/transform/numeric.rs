//! Steps on numbers: bound, impute, derive, scale.

use serde::{Deserialize, Serialize};

use super::{Numbers, Recipe};
use crate::error::Error;
use crate::table::{Cells, Column, Lookup, Table};

/// A numeric column of the table: bounded, then imputed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Numeric {
    /// Its name in the table.
    pub(crate) column: String,
    /// Values below the first are raised to it, values above the second lowered.
    pub(crate) bounds: Option<[f64; 2]>,
    /// What a missing value becomes; none: it is an error.
    pub(crate) impute: Option<Filler>,
}

/// What a missing number becomes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Filler {
    /// This number.
    Constant(f64),
    /// It stays missing: tree models learn which way it goes, linear ones refuse it.
    Keep,
}

impl Numeric {
    /// The column's values, one a row; NaN where a missing one is kept.
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
    pub(crate) impute: Option<Filler>,
}

impl Derived {
    /// The column's values, one a row; NaN where an undefined one is kept.
    pub(crate) fn apply(&self, numbers: &Numbers) -> Result<Vec<f64>, Error> {
        fill_computed(&self.name, self.recipe.compute(numbers)?, self.impute)
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
    /// The feature's values, one a row; none where it is missing.
    pub(crate) fn apply(&self, numbers: &Numbers) -> Result<Vec<Option<f64>>, Error> {
        let values = numbers.get(&self.column)?.iter();
        let scaled = values.map(|x| (!x.is_nan()).then(|| (x - self.center) / self.scale));
        Ok(scaled.collect())
    }
}

/// As [`fill`], of a column that is computed: what is missing is undefined.
pub(super) fn fill_computed(
    name: &str,
    values: Vec<Option<f64>>,
    impute: Option<Filler>,
) -> Result<Vec<f64>, Error> {
    fill(name, values, impute).map_err(|error| match error {
        Error::MissingValue { column, row } => Error::Undefined { column, row },
        other => other,
    })
}

/// Every value, the missing ones replaced, by NaN where they are kept.
fn fill(name: &str, values: Vec<Option<f64>>, impute: Option<Filler>) -> Result<Vec<f64>, Error> {
    let filler = match impute {
        Some(Filler::Constant(x)) => x,
        Some(Filler::Keep) => f64::NAN,
        None => return Column::number(name, values).finite(),
    };
    Ok(values.into_iter().map(|x| x.unwrap_or(filler)).collect())
}
