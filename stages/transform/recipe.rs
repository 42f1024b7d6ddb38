//! Recipes: how a derived column is computed from others, row by row.
//!
//! A value that is undefined in the real numbers, or too large for a float, is *missing*: `a / 0` for every `a`, the
//! logarithm of what is not positive, a fractional power of what is negative. The derived column's imputation decides
//! what becomes of it; without one it is an error that names column and row. Infinity and NaN never leave a recipe.

use serde::{Deserialize, Serialize};

use super::Numbers;
use crate::error::Error;

/// How a derived column is computed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Recipe {
    /// The first column divided by the second; missing where the second is 0.
    Ratio([String; 2]),
    /// The sum of two or more columns.
    Sum(Vec<String>),
    /// The first column minus the second.
    Difference([String; 2]),
    /// The product of two or more columns.
    Product(Vec<String>),
    /// The natural logarithm of 1 + the column; missing at −1 and below.
    Log1p(String),
    /// The column times itself.
    Square(String),
    /// The column to a power.
    Power(Power),
    /// The coordinate along an axis turned by an angle: `x·cos + y·sin`.
    Rotate(Rotate),
    /// The Euclidean distance from a point, in the columns' common unit.
    Distance(Distance),
}

/// The parameters of [`Recipe::Power`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Power {
    column: String,
    exponent: f64,
}

/// The parameters of [`Recipe::Rotate`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotate {
    columns: [String; 2],
    /// Counter-clockwise, in degrees.
    degrees: f64,
}

/// The parameters of [`Recipe::Distance`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Distance {
    columns: [String; 2],
    from: [f64; 2],
}

/// A derived column as written: a name and exactly one recipe.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RecipeParams {
    pub(crate) name: String,
    ratio: Option<[String; 2]>,
    sum: Option<Vec<String>>,
    difference: Option<[String; 2]>,
    product: Option<Vec<String>>,
    log1p: Option<String>,
    square: Option<String>,
    power: Option<Power>,
    rotate: Option<Rotate>,
    distance: Option<Distance>,
}

impl RecipeParams {
    /// The one recipe.
    ///
    /// # Errors
    /// A fragment that says why there is not exactly one.
    pub(crate) fn recipe(self) -> Result<Recipe, String> {
        let given = [
            self.ratio.map(Recipe::Ratio),
            self.sum.map(Recipe::Sum),
            self.difference.map(Recipe::Difference),
            self.product.map(Recipe::Product),
            self.log1p.map(Recipe::Log1p),
            self.square.map(Recipe::Square),
            self.power.map(Recipe::Power),
            self.rotate.map(Recipe::Rotate),
            self.distance.map(Recipe::Distance),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(recipe), None) => Ok(recipe),
            (Some(_), Some(_)) => Err("has more than one recipe".to_owned()),
            (None, _) => Err(
                "needs a recipe: ratio, sum, difference, product, log1p, square, power, rotate or distance"
                    .to_owned(),
            ),
        }
    }
}

impl Recipe {
    /// The columns it reads.
    pub(crate) fn inputs(&self) -> Vec<&str> {
        match self {
            Self::Ratio(columns) | Self::Difference(columns) => {
                columns.iter().map(String::as_str).collect()
            }
            Self::Sum(columns) | Self::Product(columns) => {
                columns.iter().map(String::as_str).collect()
            }
            Self::Log1p(column) | Self::Square(column) => vec![column],
            Self::Power(Power { column, .. }) => vec![column],
            Self::Rotate(Rotate { columns, .. }) | Self::Distance(Distance { columns, .. }) => {
                columns.iter().map(String::as_str).collect()
            }
        }
    }

    /// The derived column's values, one a row; none where it is undefined.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], as [`Numbers::get`].
    pub(crate) fn compute(&self, numbers: &Numbers) -> Result<Vec<Option<f64>>, Error> {
        let inputs = self.inputs();
        let inputs: Vec<&[f64]> = inputs
            .into_iter()
            .map(|name| numbers.get(name))
            .collect::<Result<_, _>>()?;
        let rows = inputs.first().map_or(0, |column| column.len());
        let mut row_values = vec![0.0; inputs.len()];
        let compute_row = |row| {
            for (value, column) in row_values.iter_mut().zip(&inputs) {
                *value = column[row];
            }
            Some(self.of_row(&row_values)).filter(|x| x.is_finite())
        };
        Ok((0..rows).map(compute_row).collect())
    }

    /// The value of one row, its inputs in the order of [`inputs`](Self::inputs); not finite where it is undefined.
    fn of_row(&self, x: &[f64]) -> f64 {
        match self {
            Self::Ratio(_) => x[0] / x[1],
            Self::Sum(_) => x.iter().sum(),
            Self::Difference(_) => x[0] - x[1],
            Self::Product(_) => x.iter().product(),
            Self::Log1p(_) => x[0].ln_1p(),
            Self::Square(_) => x[0] * x[0],
            Self::Power(Power { exponent, .. }) => x[0].powf(*exponent),
            Self::Rotate(Rotate { degrees, .. }) => {
                let (sin, cos) = degrees.to_radians().sin_cos();
                x[0] * cos + x[1] * sin
            }
            Self::Distance(Distance { from, .. }) => (x[0] - from[0]).hypot(x[1] - from[1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &str) -> Result<Recipe, String> {
        let params: RecipeParams = serde_json::from_str(json).map_err(|e| e.to_string())?;
        params.recipe()
    }

    fn check(json: &str, expect: &[Option<f64>]) {
        let mut numbers = Numbers::default();
        numbers.add("a", vec![6.0, 0.0, -2.0, f64::MAX]);
        numbers.add("b", vec![3.0, 0.0, 0.5, f64::MIN_POSITIVE]);
        let recipe = params(json).expect("one recipe");
        let found = recipe.compute(&numbers).expect("known columns");
        let near = |(a, b): (&Option<f64>, &Option<f64>)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-12 * b.abs(),
            (a, b) => a == b,
        };
        assert!(found.iter().zip(expect).all(near), "{json}: {found:?}");
    }

    #[test]
    fn recipes_compute_row_by_row() {
        let max = Some(f64::MAX);
        check(
            r#"{"name": "r", "ratio": ["a", "b"]}"#,
            &[Some(2.0), None, Some(-4.0), None],
        );
        check(
            r#"{"name": "r", "sum": ["a", "b"]}"#,
            &[Some(9.0), Some(0.0), Some(-1.5), max],
        );
        check(
            r#"{"name": "r", "difference": ["a", "b"]}"#,
            &[Some(3.0), Some(0.0), Some(-2.5), max],
        );
        check(
            r#"{"name": "r", "product": ["a", "b", "b"]}"#,
            &[
                Some(54.0),
                Some(0.0),
                Some(-0.5),
                Some(f64::MAX * f64::MIN_POSITIVE * f64::MIN_POSITIVE),
            ],
        );
        check(
            r#"{"name": "r", "log1p": "a"}"#,
            &[Some(7f64.ln()), Some(0.0), None, Some(f64::MAX.ln())],
        );
        check(
            r#"{"name": "r", "square": "a"}"#,
            &[Some(36.0), Some(0.0), Some(4.0), None],
        );
        check(
            r#"{"name": "r", "power": {"column": "a", "exponent": 0.5}}"#,
            &[Some(6f64.sqrt()), Some(0.0), None, Some(f64::MAX.sqrt())],
        );
        check(
            r#"{"name": "r", "distance": {"columns": ["a", "b"], "from": [3, -1]}}"#,
            &[Some(5.0), Some(10f64.sqrt()), Some(27.25f64.sqrt()), max],
        );
    }

    #[test]
    fn a_rotation_by_90_degrees_gives_the_other_coordinate() {
        let mut numbers = Numbers::default();
        numbers.add("x", vec![1.0, -3.0]);
        numbers.add("y", vec![2.0, 5.0]);
        let recipe = params(r#"{"name": "r", "rotate": {"columns": ["x", "y"], "degrees": 90}}"#);
        let found = recipe.expect("one").compute(&numbers).expect("known");
        assert!(
            found
                .iter()
                .zip([2.0, 5.0])
                .all(|(a, b)| a.is_some_and(|a| (a - b).abs() < 1e-15))
        );
    }

    #[test]
    fn there_must_be_one_recipe() {
        assert!(
            params(r#"{"name": "r"}"#)
                .expect_err("none")
                .starts_with("needs a recipe")
        );
        let two = params(r#"{"name": "r", "square": "a", "log1p": "a"}"#);
        assert_eq!(two.expect_err("two"), "has more than one recipe");
    }
}
