//! Where a model errs: its residuals in all, by decile of the target and by region.
//!
//! A residual is target minus prediction, in the target's unit: positive where the model predicts too little.

use std::collections::BTreeMap;

use serde::Serialize;

use super::params::RegionKind;
use crate::error::Error;
use crate::markdown::figure;
use crate::scores::Scores;
use crate::statistics::{self, Sorted};
use crate::table::{Cells, Lookup, Table};

/// The residuals of a model on the test rows.
#[derive(Debug, Serialize)]
pub(super) struct Residuals {
    pub(super) mean: f64,
    pub(super) standard_deviation: f64,
    pub(super) quantiles: BTreeMap<&'static str, f64>,
    /// Ranges of the target with equally many rows, ascending.
    pub(super) by_target: Vec<Group>,
    /// Regions, in their order; none when no regions were asked for.
    pub(super) by_region: Option<Vec<Group>>,
}

/// Some of the rows and how the model errs there.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    /// Of a region that is a square of a grid: where it lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) square: Option<Square>,
    pub(super) rows: usize,
    pub(super) mean: f64,
    pub(super) rmse: f64,
    pub(super) mae: f64,
}

/// A square of a grid: its ends along both columns, in their units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Square {
    pub(super) x: (f64, f64),
    pub(super) y: (f64, f64),
}

/// The region of every row.
#[derive(Debug)]
pub(super) struct Regions {
    places: Vec<Place>,
    of_row: Vec<usize>,
}

/// What a group is called, and where it lies.
#[derive(Debug, Clone, PartialEq)]
struct Place {
    name: String,
    square: Option<Square>,
}

impl Place {
    const fn named(name: String) -> Self {
        Self { name, square: None }
    }
}

impl Residuals {
    /// The residuals of `predicted` against `actual`, row by row.
    pub(super) fn new(actual: &[f64], predicted: &[f64], regions: Option<&Regions>) -> Self {
        let residuals: Vec<f64> = actual.iter().zip(predicted).map(|(y, p)| y - p).collect();
        let (mean, standard_deviation) = statistics::mean_and_deviation(&residuals);
        let sorted = Sorted::new(residuals);
        Self {
            mean,
            standard_deviation,
            quantiles: sorted.percentiles(),
            by_target: by_target(actual, predicted),
            by_region: regions
                .map(|regions| grouped(&regions.places, &regions.of_row, actual, predicted)),
        }
    }
}

fn by_target(actual: &[f64], predicted: &[f64]) -> Vec<Group> {
    let sorted = Sorted::new(actual.to_vec());
    let bounds = sorted.bounds(10);
    let (Some(min), Some(max)) = (sorted.min(), sorted.max()) else {
        return Vec::new();
    };
    let edges: Vec<f64> = [&[min], &bounds[..], &[max]].concat();
    let name = |edge: &[f64]| format!("{} … {}", figure(edge[0]), figure(edge[1]));
    let places: Vec<Place> = edges
        .windows(2)
        .map(|edge| Place::named(name(edge)))
        .collect();
    let of_row: Vec<usize> = actual
        .iter()
        .map(|y| bounds.partition_point(|bound| bound <= y))
        .collect();
    grouped(&places, &of_row, actual, predicted)
}

fn grouped(places: &[Place], of_row: &[usize], actual: &[f64], predicted: &[f64]) -> Vec<Group> {
    let mut groups = vec![(Vec::new(), Vec::new()); places.len()];
    for ((&group, y), p) in of_row.iter().zip(actual).zip(predicted) {
        groups[group].0.push(*y);
        groups[group].1.push(*p);
    }
    let named = places
        .iter()
        .zip(groups)
        .filter(|(_, (actual, _))| !actual.is_empty());
    named
        .map(|(place, (actual, predicted))| {
            let scores = Scores::new(&actual, &predicted);
            Group {
                name: place.name.clone(),
                square: place.square,
                rows: scores.rows,
                mean: statistics::mean(&actual) - statistics::mean(&predicted),
                rmse: scores.rmse,
                mae: scores.mae,
            }
        })
        .collect()
}

impl Regions {
    /// The regions of the rows of `table`; rows without a value are a region of their own.
    ///
    /// # Errors
    /// [`Error::MissingColumn`], [`Error::WrongType`].
    pub(super) fn new(kind: &RegionKind, table: &Table) -> Result<Self, Error> {
        match kind {
            RegionKind::Named(column) => {
                let words = table.column(column)?.words()?;
                let name =
                    |word: &Option<String>| word.clone().unwrap_or_else(|| UNKNOWN.to_owned());
                let place = |word| (name(word), Place::named(name(word)));
                Ok(Self::of(words.iter().map(place)))
            }
            RegionKind::Grid([x, y], cell) => {
                let (x, y) = (table.column(x)?.numbers()?, table.column(y)?.numbers()?);
                let square = |value: Option<f64>| value.map(|v| (v / cell).floor() as i64);
                let squares = x
                    .iter()
                    .zip(y.iter())
                    .map(|(x, y)| (square(*x), square(*y)));
                let place = |(x, y)| match (x, y) {
                    (Some(x), Some(y)) => square_at(x, y, *cell),
                    _ => Place::named(UNKNOWN.to_owned()),
                };
                Ok(Self::of(squares.map(|square| (square, place(square)))))
            }
        }
    }

    /// Regions in the order of their keys.
    fn of<K: Ord>(rows: impl Iterator<Item = (K, Place)> + Clone) -> Self {
        let mut places: BTreeMap<K, (usize, Place)> =
            rows.clone().map(|(key, place)| (key, (0, place))).collect();
        for (place, entry) in places.values_mut().enumerate() {
            entry.0 = place;
        }
        let of_row = rows
            .filter_map(|(key, _)| places.get(&key).map(|(place, _)| *place))
            .collect();
        Self {
            of_row,
            places: places.into_values().map(|(_, place)| place).collect(),
        }
    }
}

/// The square in column `x` and row `y` of a grid.
fn square_at(x: i64, y: i64, cell: f64) -> Place {
    let ends = |place: i64| (place as f64 * cell, (place + 1) as f64 * cell);
    let square = Square {
        x: ends(x),
        y: ends(y),
    };
    let side = |(low, high): (f64, f64)| format!("{low} … {high}");
    Place {
        name: format!("{}, {}", side(square.x), side(square.y)),
        square: Some(square),
    }
}

/// What the region of rows without a value is called.
const UNKNOWN: &str = "unknown";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Column, Values};

    #[test]
    fn deciles_hold_equally_many_rows() {
        let actual: Vec<f64> = (0..100).map(f64::from).collect();
        let predicted: Vec<f64> = actual
            .iter()
            .map(|y| y - if *y < 50.0 { 1.0 } else { -2.0 })
            .collect();
        let residuals = Residuals::new(&actual, &predicted, None);
        assert_eq!(residuals.mean, -0.5);
        assert_eq!(residuals.by_target.len(), 10);
        assert!(residuals.by_target.iter().all(|group| group.rows == 10));
        assert_eq!(residuals.by_target[0].mean, 1.0);
        assert_eq!(residuals.by_target[9].rmse, 2.0);
    }

    #[test]
    fn a_capped_target_makes_fewer_ranges() {
        let residuals = Residuals::new(&[5.0; 20], &[4.0; 20], None);
        let rows: Vec<usize> = residuals.by_target.iter().map(|group| group.rows).collect();
        assert_eq!(rows, [20]);
    }

    #[test]
    fn rows_have_regions() {
        let table = Table::new(vec![
            Column::number("x", vec![Some(-118.2), Some(-121.9), Some(-118.9), None]),
            Column::number("y", vec![Some(34.1), Some(37.3), Some(34.9), Some(1.0)]),
            Column {
                name: "word".into(),
                values: Values::Text(["b", "a", "b", "c"].map(|w| Some(w.to_owned())).to_vec()),
            },
        ]);
        let table = table.expect("a table");
        let grid = RegionKind::Grid(["x".into(), "y".into()], 1.0);
        let grid = Regions::new(&grid, &table).expect("regions");
        let names = |regions: &Regions| -> Vec<String> {
            let places = regions.places.iter();
            places.map(|place| place.name.clone()).collect()
        };
        assert_eq!(
            names(&grid),
            ["unknown", "-122 … -121, 37 … 38", "-119 … -118, 34 … 35"]
        );
        let square = Square {
            x: (-122.0, -121.0),
            y: (37.0, 38.0),
        };
        assert_eq!(grid.places[1].square, Some(square));
        assert_eq!(grid.of_row, [2, 1, 2, 0]);
        let named = Regions::new(&RegionKind::Named("word".into()), &table).expect("regions");
        assert_eq!(
            (names(&named), named.of_row),
            (vec!["a".into(), "b".into(), "c".into()], vec![1, 0, 1, 2])
        );
    }
}
