//! Groups of neighbours: their options, and fitting them on the training rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::fit::{fit_scale, learn_impute};
use super::params::{Scale, ValidFeaturesParams, known_column};
use crate::error::Error;
use crate::folds;
use crate::learner::limit;
use crate::options::Faults;
use crate::table::{Lookup, Table};
use crate::transform::Numbers;
use crate::transform::neighbours::{
    self, Coordinate, Feature, Folds, Learned, Measure, Neighbours, ReferenceColumn, Rows, Weights,
};

/// A group as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NeighboursParams {
    name: String,
    columns: Vec<String>,
    #[serde(default = "unscaled")]
    scale: Scale,
    #[serde(default = "BTreeMap::new")]
    stretch: BTreeMap<String, f64>,
    k: Vec<usize>,
    statistics: Vec<Measure>,
    of: Option<Vec<String>>,
    #[serde(default)]
    weights: Weights,
    #[serde(default = "usual_folds", with = "limit")]
    folds: Option<usize>,
    #[serde(default)]
    seed: u64,
}

/// `docs/decisions/014-neighbours.md` has what it costs and what it prevents.
const fn usual_folds() -> Option<usize> {
    Some(10)
}

const fn unscaled() -> Scale {
    Scale::None
}

/// A group, checked: what it names exists, and its features have names of their own.
#[derive(Debug)]
pub(super) struct ValidNeighbours {
    name: String,
    /// Column, and what it is multiplied by once it is scaled.
    coordinates: Vec<(String, f64)>,
    scale: Scale,
    k: Vec<usize>,
    statistics: Vec<Measure>,
    of: Vec<String>,
    weights: Weights,
    folds: Option<Folds>,
}

impl NeighboursParams {
    /// Checks the group at `path`; `numbers` are the columns it may name beside the target.
    pub(super) fn check(
        self,
        path: &str,
        target: &str,
        numbers: &BTreeSet<&str>,
        faults: &mut Faults,
    ) -> ValidNeighbours {
        self.check_coordinates(path, numbers, faults);
        self.check_telling(path, faults);
        let of_target = || vec![target.to_owned()];
        let of = self.of.unwrap_or_else(of_target);
        for (i, column) in of
            .iter()
            .enumerate()
            .filter(|(_, column)| *column != target)
        {
            known_column(faults, format!("{path}.of.{i}"), column, numbers);
        }
        distinct(&of, &format!("{path}.of"), faults);
        let stretch = |column: &String| self.stretch.get(column).copied().unwrap_or(1.0);
        let coordinates = self.columns.iter().map(|c| (c.clone(), stretch(c)));
        ValidNeighbours {
            coordinates: coordinates.collect(),
            name: self.name,
            scale: self.scale,
            k: self.k,
            statistics: self.statistics,
            of,
            weights: self.weights,
            folds: self.folds.map(|count| Folds {
                count,
                seed: self.seed,
            }),
        }
    }

    /// Checks where neighbours are looked for.
    fn check_coordinates(&self, path: &str, numbers: &BTreeSet<&str>, faults: &mut Faults) {
        for (i, column) in self.columns.iter().enumerate() {
            known_column(faults, format!("{path}.columns.{i}"), column, numbers);
        }
        distinct(&self.columns, &format!("{path}.columns"), faults);
        let coordinates = self.columns.iter().map(String::as_str).collect();
        for (column, factor) in &self.stretch {
            let place = format!("{path}.stretch.{column}");
            known_column(faults, place.clone(), column, &coordinates);
            let proper = factor.is_finite() && *factor > 0.0;
            faults.require(proper, place, "must be above 0");
        }
    }

    /// Checks what is told of neighbours.
    fn check_telling(&self, path: &str, faults: &mut Faults) {
        distinct(&self.k, &format!("{path}.k"), faults);
        for (i, k) in self.k.iter().enumerate() {
            faults.require(*k > 0, format!("{path}.k.{i}"), "must be at least 1");
        }
        distinct(&self.statistics, &format!("{path}.statistics"), faults);
        faults.require(
            self.folds.is_none_or(|count| count > 1),
            format!("{path}.folds"),
            "must be at least 2, or `none`, which tells each training row of all others",
        );
        if let Weights::Inverse(offset) = self.weights {
            let proper = offset.is_finite() && offset >= 0.0;
            faults.require(
                proper,
                format!("{path}.weights.inverse"),
                "must be 0 or above",
            );
        }
    }
}

impl ValidNeighbours {
    /// The names of its features.
    pub(super) fn features(&self) -> Vec<String> {
        let summary = neighbours::summary(&self.k, &self.statistics, self.weights);
        neighbours::names(&self.name, &summary, &self.of)
    }

    /// Refuses to tell a training row of all it is compared with: what is told is then the same for all but for what the
    /// row's own part in it was, that is, its own value with a minus sign. `coincident` has how many rows lie where each does.
    fn check_k(&self, coincident: &[usize]) -> Result<(), Error> {
        let located = coincident.iter().filter(|count| **count > 0).count();
        let apart = match self.folds {
            Some(folds) => most_in_a_fold(coincident, folds),
            None => 1,
        };
        let compared = located.saturating_sub(apart);
        let k = self.k.iter().copied().max().unwrap_or(0);
        if k < compared || located == 0 {
            return Ok(());
        }
        Err(Error::TooManyNeighbours {
            group: self.name.clone(),
            k,
            compared,
        })
    }

    /// What leave-one-out would give away: rows that share a point with so few others that all of these are told of.
    fn gives_away(&self, coincident: &[usize], target: &str) -> Option<String> {
        let k = self.k.iter().copied().max()?;
        let is_told = self.of.iter().any(|column| column == target) && self.folds.is_none();
        let is_open = |count: usize| is_told && (2..=k + 1).contains(&count);
        let rows = coincident.iter().filter(|count| is_open(**count)).count();
        (rows > 0).then(|| {
            format!(
                "`{}`: {} of {} train rows share their point with at most {k} others, and with `folds: none` are told of all \
                 of them, from which a model can read their own target",
                self.name,
                rows,
                coincident.len()
            )
        })
    }
}

/// The largest number of located rows in a fold. Folds are dealt of all rows, so they may have fewer or more of these.
fn most_in_a_fold(coincident: &[usize], folds: Folds) -> usize {
    let mut located = vec![0; folds.count.max(1)];
    let fold_of = folds::fold_of(coincident.len(), located.len(), folds.seed);
    for (fold, count) in fold_of.into_iter().zip(coincident) {
        located[fold] += usize::from(*count > 0);
    }
    located.into_iter().max().unwrap_or(0)
}

fn distinct<T: Ord>(things: &[T], path: &str, faults: &mut Faults) {
    let known: BTreeSet<&T> = things.iter().collect();
    faults.require(
        known.len() == things.len() && !things.is_empty(),
        path,
        "must be distinct, and at least one",
    );
}

/// Fits a group on the training rows, whose columns are in `numbers` and whose target is in `train`, and adds its
/// features to `numbers`.
///
/// # Errors
/// [`Error::BadTarget`] if it tells of the target; [`Error::Undefined`] where a feature is undefined and nothing says what
/// to impute; [`Error::NothingToLearn`].
pub(super) fn fit(
    group: &ValidNeighbours,
    params: &ValidFeaturesParams,
    train: &Table,
    numbers: &mut Numbers,
    warnings: &mut Vec<String>,
) -> Result<Neighbours, Error> {
    let learned = Learned {
        name: group.name.clone(),
        coordinates: fit_coordinates(group, numbers)?,
        k: group.k.clone(),
        statistics: group.statistics.clone(),
        of: group.of.clone(),
        weights: group.weights,
        folds: group.folds,
        features: group.features().into_iter().map(not_imputed).collect(),
        reference: reference(group, &params.target, train, numbers)?,
    };
    let fitted = Neighbours::try_from(learned).map_err(Error::Numerical)?;
    let coincident = fitted.coincident();
    group.check_k(&coincident)?;
    warnings.extend(group.gives_away(&coincident, &params.target));
    let told = fitted.tell(numbers, Rows::Training)?;
    let rules = fitted.features().zip(&told);
    let rules = rules.map(|(name, values)| learn_impute(*params.impute.of(name), name, values));
    let rules = rules.collect::<Result<_, _>>()?;
    let fitted = fitted.imputing(rules);
    for (name, values) in fitted.filled(told)? {
        numbers.add(name, values);
    }
    Ok(fitted)
}

/// Every column of the training rows that the group needs, once.
fn reference(
    group: &ValidNeighbours,
    target: &str,
    train: &Table,
    numbers: &Numbers,
) -> Result<Vec<ReferenceColumn>, Error> {
    let coordinates = group.coordinates.iter().map(|(column, _)| column);
    let needed: BTreeSet<&String> = coordinates.chain(&group.of).collect();
    let column = |name: &String| {
        let values = if *name == target {
            train.target(name)?.into_iter().map(Some).collect()
        } else {
            known(numbers.get(name)?)
        };
        let column = name.clone();
        Ok(ReferenceColumn { column, values })
    };
    needed.into_iter().map(column).collect()
}

/// The coordinates, each divided by its spread as the group's rule has it and then multiplied by its stretch.
fn fit_coordinates(group: &ValidNeighbours, numbers: &Numbers) -> Result<Vec<Coordinate>, Error> {
    let coordinates = group.coordinates.iter().map(|(column, stretch)| {
        let values: Vec<f64> = known(numbers.get(column)?).into_iter().flatten().collect();
        Ok(Coordinate {
            column: column.clone(),
            factor: stretch / fit_scale(group.scale, column, &values).scale,
        })
    });
    coordinates.collect()
}

fn known(values: &[f64]) -> Vec<Option<f64>> {
    let known = values.iter().map(|x| Some(*x).filter(|x| !x.is_nan()));
    known.collect()
}

const fn not_imputed(name: String) -> Feature {
    Feature { name, impute: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_nowhere_count_in_no_fold() {
        let folds = Folds { count: 3, seed: 5 };
        let fold_of = folds::fold_of(9, 3, 5);
        let located_in_one: Vec<usize> =
            fold_of.iter().map(|fold| usize::from(*fold == 1)).collect();
        assert_eq!(
            most_in_a_fold(&located_in_one, folds),
            3,
            "all of them in one fold"
        );
        assert_eq!(most_in_a_fold(&[1; 9], folds), 3);
        assert_eq!(most_in_a_fold(&[0; 9], folds), 0);
        let missing_there: Vec<usize> =
            fold_of.iter().map(|fold| usize::from(*fold != 1)).collect();
        assert_eq!(most_in_a_fold(&missing_there, folds), 3);
    }
}
