//! Neighbourhood features: what the nearest training rows say of a row.
//!
//! The training rows, as far as a group of neighbours needs them, are part of the transform; a row that it is applied to
//! is compared with them. A training row itself is compared with those of other folds ([`Rows::Training`]): nothing of its
//! own, least of all its target, becomes one of these features. How neighbours are found and told of:
//! `learn/neighbours.rs`; why so: `docs/decisions/014-neighbours.md`.

use hpipe_learn::neighbours::{Neighbours as Index, Statistic, Summary, Weighting};
use ndarray::Array2;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::Numbers;
use super::numeric::{Filler, fill_computed};
use crate::error::Error;
use crate::folds;

/// Which rows a transform is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// Any rows: each is told of all training rows.
    New,
    /// The rows the transform was fitted on, in the same order: each is told of those of other [`Folds`].
    Training,
}

/// What is told of neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Measure {
    /// The mean of a column.
    Mean,
    /// Its standard deviation, divided by the number of neighbours.
    Std,
    /// Its smallest value.
    Min,
    /// Its largest value.
    Max,
    /// The distance of the k-th neighbour, in the unit of the coordinates.
    Distance,
}

/// How much a neighbour counts in means and deviations.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weights {
    /// As much as any other.
    #[default]
    Uniform,
    /// `1 / (distance + this)`, this in the unit of the coordinates.
    Inverse(f64),
}

/// How the training rows are dealt, so that each is told only of rows of other folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Folds {
    /// Number of folds.
    pub(crate) count: usize,
    /// Says which row goes into which.
    pub(crate) seed: u64,
}

/// A column that distances are measured along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Coordinate {
    /// A numeric or derived column.
    pub(crate) column: String,
    /// What its values are multiplied by; not 0.
    pub(crate) factor: f64,
}

/// A feature of a group, imputed where there is nothing to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Feature {
    /// Its name.
    pub(crate) name: String,
    /// What it becomes for a row without neighbours; none: it is an error.
    pub(crate) impute: Option<Filler>,
}

/// A column of the training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReferenceColumn {
    /// A numeric or derived column, or the target.
    pub(crate) column: String,
    /// One value a training row, as it is before scaling; none where a missing one is kept.
    #[serde(serialize_with = "in_one_line")]
    pub(crate) values: Vec<Option<f64>>,
}

/// All that a group of neighbours learned, as its file has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Learned {
    /// What the names of its features begin with.
    pub(crate) name: String,
    /// The space whose Euclidean distance tells neighbours.
    pub(crate) coordinates: Vec<Coordinate>,
    /// Of how many neighbours is told, each number at least 1.
    pub(crate) k: Vec<usize>,
    /// What is told.
    pub(crate) statistics: Vec<Measure>,
    /// The columns it is told of.
    pub(crate) of: Vec<String>,
    /// How much each neighbour counts.
    pub(crate) weights: Weights,
    /// How its own features were made; none: each row was told of all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) folds: Option<Folds>,
    /// The features, in the order of [`names`].
    pub(crate) features: Vec<Feature>,
    /// The training rows: every column of `coordinates` and `of`.
    pub(crate) reference: Vec<ReferenceColumn>,
}

/// A group of features made of the nearest training rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Learned", into = "Learned")]
pub(crate) struct Neighbours {
    learned: Learned,
    summary: Summary,
    index: Index,
}

impl Neighbours {
    /// The features of every row, one column each; the coordinates of new rows are taken from `numbers`.
    ///
    /// # Errors
    /// [`Error::Undefined`] where there is nothing to tell and nothing to impute; [`Error::MissingColumn`], as
    /// [`Numbers::get`].
    pub(crate) fn apply(
        &self,
        numbers: &Numbers,
        rows: Rows,
    ) -> Result<Vec<(&str, Vec<f64>)>, Error> {
        self.filled(self.tell(numbers, rows)?)
    }

    /// What was told, imputed: each feature's name and values.
    ///
    /// # Errors
    /// [`Error::Undefined`], as [`apply`](Self::apply).
    pub(crate) fn filled(
        &self,
        told: Vec<Vec<Option<f64>>>,
    ) -> Result<Vec<(&str, Vec<f64>)>, Error> {
        let features = self.learned.features.iter().zip(told);
        let filled = features.map(|(feature, values)| {
            let values = fill_computed(&feature.name, values, feature.impute)?;
            Ok((&feature.name[..], values))
        });
        filled.collect()
    }

    /// What each feature is told of every row, before imputing.
    pub(crate) fn tell(
        &self,
        numbers: &Numbers,
        rows: Rows,
    ) -> Result<Vec<Vec<Option<f64>>>, Error> {
        let told = match rows {
            Rows::Training => self.tell_reference(),
            Rows::New => {
                let coordinates = self.learned.coordinates.iter();
                let columns: Vec<&[f64]> = coordinates
                    .map(|coordinate| numbers.get(&coordinate.column))
                    .collect::<Result<_, _>>()?;
                let points = self.learned.points(&columns);
                self.index.of_points(points.view(), &self.summary)
            }
        };
        let columns = told.columns().into_iter();
        let known = |x: &f64| Some(*x).filter(|x| !x.is_nan());
        Ok(columns
            .map(|column| column.iter().map(known).collect())
            .collect())
    }

    /// What is told of each training row.
    fn tell_reference(&self) -> Array2<f64> {
        let Some(folds) = self.learned.folds else {
            return self.index.of_reference(&self.summary);
        };
        let fold_of = folds::fold_of(self.index.n_rows(), folds.count, folds.seed);
        self.index.of_folds(&fold_of, &self.summary)
    }

    /// For each training row, how many lie where it does: see [`Index::coincident`].
    pub(crate) fn coincident(&self) -> Vec<usize> {
        self.index.coincident()
    }

    /// The same with other rules for rows without neighbours, one a feature.
    pub(crate) fn imputing(mut self, impute: Vec<Option<Filler>>) -> Self {
        for (feature, impute) in self.learned.features.iter_mut().zip(impute) {
            feature.impute = impute;
        }
        self
    }

    /// The names of its features.
    pub(crate) fn features(&self) -> impl Iterator<Item = &str> {
        self.learned
            .features
            .iter()
            .map(|feature| &feature.name[..])
    }
}

impl PartialEq for Neighbours {
    fn eq(&self, other: &Self) -> bool {
        self.learned == other.learned
    }
}

impl From<Neighbours> for Learned {
    fn from(neighbours: Neighbours) -> Self {
        neighbours.learned
    }
}

impl TryFrom<Learned> for Neighbours {
    type Error = String;

    /// # Errors
    /// What does not fit together: only in a file that somebody edited.
    fn try_from(learned: Learned) -> Result<Self, String> {
        let summary = summary(&learned.k, &learned.statistics, learned.weights);
        learned.check(&summary)?;
        let coordinates = learned.coordinates.iter();
        let coordinates = learned.values(coordinates.map(|coordinate| &coordinate.column))?;
        let coordinates: Vec<&[f64]> = coordinates.iter().map(Vec::as_slice).collect();
        let points = learned.points(&coordinates);
        let values = learned.values(learned.of.iter())?;
        let shape = (points.nrows(), values.len());
        let values = Array2::from_shape_fn(shape, |(row, value)| values[value][row]);
        let index = Index::new(points, values);
        Ok(Self {
            learned,
            summary,
            index,
        })
    }
}

impl Learned {
    /// Points of the space in which distances are measured, from its coordinates: `n_rows × n_coordinates`.
    fn points(&self, columns: &[&[f64]]) -> Array2<f64> {
        let n_rows = columns.first().map_or(0, |column| column.len());
        Array2::from_shape_fn((n_rows, columns.len()), |(row, column)| {
            columns[column][row] * self.coordinates[column].factor
        })
    }

    /// The training rows' values of some columns; NaN where one is missing.
    fn values<'a>(&self, names: impl Iterator<Item = &'a String>) -> Result<Vec<Vec<f64>>, String> {
        let values = |name: &String| {
            let found = self.reference.iter().find(|column| column.column == *name);
            let found =
                found.ok_or_else(|| format!("`{}` has no reference column `{name}`", self.name))?;
            Ok(found.values.iter().map(|x| x.unwrap_or(f64::NAN)).collect())
        };
        names.map(values).collect()
    }

    /// Checks that the parts of a file belong together.
    fn check(&self, summary: &Summary) -> Result<(), String> {
        let rows = |column: &ReferenceColumn| column.values.len();
        if self
            .reference
            .windows(2)
            .any(|pair| rows(&pair[0]) != rows(&pair[1]))
        {
            return Err(format!(
                "the reference columns of `{}` differ in length",
                self.name
            ));
        }
        let no_folds = self.folds.is_some_and(|folds| folds.count == 0);
        if self.coordinates.is_empty() || self.k.contains(&0) || no_folds {
            let what = "no coordinates, or a k or a number of folds of 0";
            return Err(format!("`{}` has {what}", self.name));
        }
        let names = names(&self.name, summary, &self.of);
        if self.features.iter().map(|feature| &feature.name).ne(&names) {
            return Err(format!(
                "the features of `{}` are not what it tells",
                self.name
            ));
        }
        Ok(())
    }
}

/// What is asked of the index.
pub(crate) fn summary(k: &[usize], statistics: &[Measure], weights: Weights) -> Summary {
    let of_values = statistics.iter().filter_map(|measure| match measure {
        Measure::Mean => Some(Statistic::Mean),
        Measure::Std => Some(Statistic::Deviation),
        Measure::Min => Some(Statistic::Min),
        Measure::Max => Some(Statistic::Max),
        Measure::Distance => None,
    });
    Summary {
        k: k.to_vec(),
        statistics: of_values.collect(),
        weighting: match weights {
            Weights::Uniform => Weighting::Uniform,
            Weights::Inverse(offset) => Weighting::Inverse { offset },
        },
        distance: statistics.contains(&Measure::Distance),
    }
}

/// The names of the features of a group, in order: `near_4_mean_price`, `near_4_distance`.
pub(crate) fn names(group: &str, summary: &Summary, of: &[String]) -> Vec<String> {
    let name = |k: usize, told: Option<(Statistic, usize)>| match told {
        None => format!("{group}_{k}_distance"),
        Some((statistic, value)) => {
            let word = match statistic {
                Statistic::Mean => "mean",
                Statistic::Deviation => "std",
                Statistic::Min => "min",
                Statistic::Max => "max",
            };
            format!("{group}_{k}_{word}_{}", of[value])
        }
    };
    let columns = summary.columns(of.len());
    columns
        .into_iter()
        .map(|told| name(told.k, told.of))
        .collect()
}

/// Thousands of numbers in a line, where indented JSON would give each its own.
fn in_one_line<S: Serializer>(values: &[Option<f64>], serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(values).map_err(S::Error::custom)?;
    let raw = RawValue::from_string(text).map_err(S::Error::custom)?;
    raw.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five training rows on a line, the third without a price of its own kind, told of by twos.
    const GROUP: &str = r#"{
        "name": "near",
        "coordinates": [{"column": "x", "factor": 2.0}],
        "k": [1, 2],
        "statistics": ["mean", "distance"],
        "of": ["price"],
        "weights": {"inverse": 1.0},
        "features": [
            {"name": "near_1_mean_price", "impute": null},
            {"name": "near_1_distance", "impute": null},
            {"name": "near_2_mean_price", "impute": {"constant": 9.0}},
            {"name": "near_2_distance", "impute": "keep"}
        ],
        "reference": [
            {"column": "x", "values": [0.0, 1.0, 1.0, 4.0, null]},
            {"column": "price", "values": [1.0, 3.0, null, 0.1, 7.0]}
        ]
    }"#;

    fn group() -> Neighbours {
        serde_json::from_str(GROUP).expect("a group")
    }

    fn numbers(x: &[f64]) -> Numbers {
        let mut numbers = Numbers::default();
        numbers.add("x", x.to_vec());
        numbers
    }

    fn check(x: &[f64], rows: Rows, expect: &[[Option<f64>; 4]]) {
        let told = group().tell(&numbers(x), rows).expect("told");
        for (row, expect) in expect.iter().enumerate() {
            let found: Vec<_> = told.iter().map(|column| column[row]).collect();
            assert_eq!(found, expect, "row {row}");
        }
    }

    #[test]
    fn new_rows_are_told_of_all_training_rows() {
        let expect = [
            // weights 1/1 and 1/3 of the rows at 0 and 1
            [
                Some(1.0),
                Some(0.0),
                Some((1.0 + 3.0 / 3.0) / (1.0 + 1.0 / 3.0)),
                Some(2.0),
            ],
            // coincident rows in their order, the second without a price
            [Some(3.0), Some(0.0), Some(3.0), Some(0.0)],
            [None; 4],
        ];
        check(&[0.0, 1.0, f64::NAN], Rows::New, &expect);
    }

    #[test]
    fn training_rows_are_told_of_the_others() {
        let x = [0.0, 1.0, 1.0, 4.0, f64::NAN];
        let expect = [
            [Some(3.0), Some(2.0), Some(3.0), Some(2.0)],
            [None, Some(0.0), Some(1.0), Some(2.0)],
            [
                Some(3.0),
                Some(0.0),
                Some((3.0 + 1.0 / 3.0) / (1.0 + 1.0 / 3.0)),
                Some(2.0),
            ],
            [Some(3.0), Some(6.0), Some(3.0), Some(6.0)],
            [None; 4],
        ];
        check(&x, Rows::Training, &expect);
    }

    #[test]
    fn training_rows_are_told_of_other_folds() {
        let folds = |count| {
            let text = GROUP.replacen("\"of\"", &format!("{FOLDS}{count}}}, \"of\""), 1);
            let group: Neighbours = serde_json::from_str(&text).expect("a group");
            group.tell(&numbers(&[]), Rows::Training).expect("told")
        };
        const FOLDS: &str = r#""folds": {"seed": 0, "count": "#;
        assert_eq!(folds::fold_of(5, 2, 0), [0, 0, 1, 1, 0]);
        let distances: Vec<_> = (0..4).map(|row| folds(2)[1][row]).collect();
        assert_eq!(distances, [Some(2.0), Some(0.0), Some(0.0), Some(6.0)]);
        let prices: Vec<_> = (0..4).map(|row| folds(2)[0][row]).collect();
        assert_eq!(prices, [None, None, Some(3.0), Some(3.0)]);
        let all = group().tell(&numbers(&[]), Rows::Training).expect("told");
        assert_eq!(folds(5), all, "as many folds as rows leave each row out");
    }

    #[test]
    fn what_cannot_be_told_is_imputed_or_an_error() {
        let error = group()
            .apply(&numbers(&[0.0, f64::NAN]), Rows::New)
            .expect_err("undefined");
        assert_eq!(
            error.to_string(),
            "the derived column `near_1_mean_price` is undefined in row 2"
        );
        let fillers = [
            Filler::Constant(5.0),
            Filler::Constant(6.0),
            Filler::Constant(9.0),
            Filler::Keep,
        ];
        let group = group().imputing(fillers.map(Some).to_vec());
        let filled = group
            .apply(&numbers(&[f64::NAN]), Rows::New)
            .expect("filled");
        let filled: Vec<f64> = filled.iter().map(|(_, values)| values[0]).collect();
        assert_eq!(filled[..3], [5.0, 6.0, 9.0]);
        assert!(filled[3].is_nan());
    }

    #[test]
    fn a_group_comes_back_from_its_file_bit_for_bit() {
        let text = serde_json::to_string_pretty(&group()).expect("a file");
        assert!(
            text.contains(r#""values": [1.0,3.0,null,0.1,7.0]"#),
            "{text}"
        );
        let back: Neighbours = serde_json::from_str(&text).expect("a group");
        assert_eq!(back, group());
        let x = numbers(&[0.3, 0.7, 12.0]);
        assert_eq!(
            back.tell(&x, Rows::New).expect("told"),
            group().tell(&x, Rows::New).expect("told")
        );
    }

    #[test]
    fn a_file_whose_parts_do_not_fit_is_refused() {
        let check = |old: &str, new: &str, expect: &str| {
            let edited = GROUP.replacen(old, new, 1);
            assert_ne!(edited, GROUP);
            let error = serde_json::from_str::<Neighbours>(&edited).expect_err(expect);
            assert!(error.to_string().starts_with(expect), "{error}");
        };
        check(
            "[0.0, 1.0, 1.0, 4.0, null]",
            "[0.0]",
            "the reference columns of `near` differ in length",
        );
        check(
            r#""of": ["price"]"#,
            r#""of": ["cost"]"#,
            "the features of `near` are not what it tells",
        );
        check(
            r#""column": "price""#,
            r#""column": "cost""#,
            "`near` has no reference column `price`",
        );
        let zero = "`near` has no coordinates, or a k or a number of folds of 0";
        check("[1, 2]", "[1, 0]", zero);
        let folds = r#""folds": {"count": 0, "seed": 0}, "of""#;
        check(r#""of""#, folds, zero);
    }
}
