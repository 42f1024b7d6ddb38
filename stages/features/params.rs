//! The options of `features`: which columns become features, and how.

use std::collections::{BTreeMap, BTreeSet};

use hpipe_core::OptionFault;
use serde::Deserialize;

use super::neighbours::{NeighboursParams, ValidNeighbours};
use crate::names;
use crate::options::{Faults, Options};
use crate::transform::{Recipe, RecipeParams, Unseen};

/// The options as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FeaturesParams {
    target: String,
    #[serde(default)]
    numeric: Vec<String>,
    #[serde(default)]
    categorical: Vec<CategoryParams>,
    #[serde(default)]
    derived: Vec<RecipeParams>,
    #[serde(default)]
    neighbours: Vec<NeighboursParams>,
    #[serde(default)]
    drop: Vec<String>,
    #[serde(default)]
    clip: BTreeMap<String, Clip>,
    #[serde(default)]
    impute: PerColumn<Impute>,
    #[serde(default)]
    scale: PerColumn<Scale>,
}

/// A rule for every column and others for some.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PerColumn<T: Default> {
    #[serde(default)]
    default: T,
    #[serde(default = "BTreeMap::new")]
    columns: BTreeMap<String, T>,
}

impl<T: Default> PerColumn<T> {
    /// The rule for a column.
    pub(super) fn of(&self, column: &str) -> &T {
        self.columns.get(column).unwrap_or(&self.default)
    }
}

/// What a missing number becomes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Impute {
    /// It is an error.
    #[default]
    None,
    /// The median of the training part.
    Median,
    /// The mean of the training part.
    Mean,
    /// Nothing: it stays missing, which tree models take.
    Keep,
    /// This number.
    Constant(f64),
}

/// What a missing category becomes.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ImputeCategory {
    /// It is an error.
    #[default]
    None,
    /// The category most rows of the training part have; of equally frequent ones the first in the alphabet.
    MostFrequent,
    /// Nothing: it stays missing, as a feature of its own that tree models take, or as zeros of an encoding.
    Keep,
    /// This category.
    Constant(String),
}

/// How a numeric feature is scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scale {
    /// Mean 0, deviation 1.
    #[default]
    Standard,
    /// From 0 to 1.
    MinMax,
    /// Median 0, distance between the quartiles 1.
    Robust,
    /// As it is.
    None,
}

/// How far values may reach.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Clip {
    /// From one quantile of the training part to another.
    Quantiles([f64; 2]),
    /// From one number to another.
    Bounds([f64; 2]),
}

/// A column of categories.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CategoryParams {
    pub(super) column: String,
    /// Learned from the training part, in alphabetical order, when none are declared.
    pub(super) categories: Option<Vec<String>>,
    #[serde(default)]
    pub(super) unseen: Unseen,
    #[serde(default)]
    pub(super) encode: Encode,
    #[serde(default)]
    pub(super) drop: Drop,
    #[serde(default)]
    pub(super) impute: ImputeCategory,
}

/// What features a column of categories becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Encode {
    /// Zeros and ones, a feature a category.
    #[default]
    OneHot,
    /// The categories themselves: one feature, which tree models split by sets of categories.
    Native,
}

/// Which category gets no feature.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Drop {
    /// The first, so that the features are not collinear with an intercept.
    #[default]
    First,
    /// Every category gets one.
    None,
    /// This one.
    Category(String),
}

/// The options, checked: names are distinct, and whatever a rule names exists.
#[derive(Debug)]
pub(super) struct ValidFeaturesParams {
    pub(super) target: String,
    pub(super) numeric: Vec<String>,
    pub(super) derived: Vec<(String, Recipe)>,
    pub(super) neighbours: Vec<ValidNeighbours>,
    pub(super) drop: BTreeSet<String>,
    pub(super) clip: BTreeMap<String, Clip>,
    pub(super) impute: PerColumn<Impute>,
    pub(super) scale: PerColumn<Scale>,
    pub(super) categorical: Vec<CategoryParams>,
}

impl Options for FeaturesParams {
    type Checked = ValidFeaturesParams;

    fn check(self) -> Result<ValidFeaturesParams, Vec<OptionFault>> {
        let mut faults = Faults::default();
        faults.require(
            !self.numeric.is_empty() || !self.categorical.is_empty(),
            "numeric",
            "name at least one numeric or categorical column",
        );
        let mut names = BTreeSet::from([self.target.clone()]);
        for (i, column) in self.numeric.iter().enumerate() {
            let new = names.insert(column.clone());
            faults.require(new, format!("numeric.{i}"), taken(column, &self.target));
        }
        for (i, category) in self.categorical.iter().enumerate() {
            let path = format!("categorical.{i}");
            let new = names.insert(category.column.clone());
            faults.require(
                new,
                format!("{path}.column"),
                taken(&category.column, &self.target),
            );
            category.check(&path, &mut faults);
        }
        let mut numbers = self.numeric.clone();
        let mut derived = Vec::new();
        for (i, params) in self.derived.into_iter().enumerate() {
            let name = params.name.clone();
            let new = names.insert(name.clone());
            faults.require(new, format!("derived.{i}.name"), taken(&name, &self.target));
            match params.recipe() {
                Ok(recipe) => {
                    let known = as_names(&numbers);
                    for input in recipe.inputs() {
                        known_column(&mut faults, format!("derived.{i}"), input, &known);
                    }
                    derived.push((name.clone(), recipe));
                }
                Err(message) => faults.add(format!("derived.{i}"), message),
            }
            numbers.push(name);
        }
        let mut neighbours = Vec::new();
        let mut told = Vec::new();
        for (i, group) in self.neighbours.into_iter().enumerate() {
            let path = format!("neighbours.{i}");
            let group = group.check(&path, &self.target, &as_names(&numbers), &mut faults);
            for name in group.features() {
                let new = names.insert(name.clone());
                faults.require(new, path.clone(), taken(&name, &self.target));
                told.push(name);
            }
            neighbours.push(group);
        }
        numbers.extend(told);
        let numbers = as_names(&numbers);
        for (i, column) in self.drop.iter().enumerate() {
            known_column(&mut faults, format!("drop.{i}"), column, &numbers);
        }
        for column in self.impute.columns.keys() {
            known_column(
                &mut faults,
                format!("impute.columns.{column}"),
                column,
                &numbers,
            );
        }
        for column in self.scale.columns.keys() {
            known_column(
                &mut faults,
                format!("scale.columns.{column}"),
                column,
                &numbers,
            );
        }
        let numeric = as_names(&self.numeric);
        for (column, clip) in &self.clip {
            known_column(&mut faults, format!("clip.{column}"), column, &numeric);
            clip.check(&format!("clip.{column}"), &mut faults);
        }
        faults.into_result(ValidFeaturesParams {
            target: self.target,
            numeric: self.numeric,
            derived,
            neighbours,
            drop: self.drop.into_iter().collect(),
            clip: self.clip,
            impute: self.impute,
            scale: self.scale,
            categorical: self.categorical,
        })
    }
}

impl Clip {
    fn check(self, path: &str, faults: &mut Faults) {
        match self {
            Self::Quantiles([low, high]) => faults.require(
                0.0 <= low && low < high && high <= 1.0,
                format!("{path}.quantiles"),
                "must be two ascending numbers from 0 to 1",
            ),
            Self::Bounds([low, high]) => faults.require(
                low < high,
                format!("{path}.bounds"),
                "must be two ascending numbers",
            ),
        }
    }
}

impl CategoryParams {
    /// Checks that what other options name is among the declared categories, if these are declared.
    fn check(&self, path: &str, faults: &mut Faults) {
        faults.require(
            self.encode == Encode::OneHot || self.drop == Drop::First,
            format!("{path}.drop"),
            "is for `encode: one_hot`; a native column is one feature",
        );
        let Some(categories) = &self.categories else {
            return;
        };
        let known = as_names(categories);
        faults.require(
            known.len() == categories.len() && !categories.is_empty(),
            format!("{path}.categories"),
            "must be distinct, and at least one",
        );
        let mut among = |option: &str, word: &String| {
            if !known.contains(word.as_str()) {
                let help = names::suggest("categories", word, known.iter().copied());
                let message = format!("`{word}` is not among the declared categories");
                faults.add_with_help(format!("{path}.{option}"), message, help);
            }
        };
        if let Unseen::As(word) = &self.unseen {
            among("unseen.as", word);
        }
        if let Drop::Category(word) = &self.drop {
            among("drop.category", word);
        }
        if let ImputeCategory::Constant(word) = &self.impute {
            among("impute.constant", word);
        }
    }
}

fn as_names(texts: &[String]) -> BTreeSet<&str> {
    texts.iter().map(String::as_str).collect()
}

fn taken(column: &str, target: &str) -> String {
    if column == target {
        format!("`{column}` is the target and cannot be a feature")
    } else {
        format!("`{column}` is named twice")
    }
}

pub(super) fn known_column(
    faults: &mut Faults,
    path: String,
    column: &str,
    known: &BTreeSet<&str>,
) {
    if !known.contains(column) {
        let help = names::suggest("columns", column, known.iter().copied());
        faults.add_with_help(
            path,
            format!("there is no numeric column `{column}` here"),
            help,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::faults;

    #[test]
    fn a_minimal_section_is_enough() {
        assert_eq!(
            faults::<FeaturesParams>(r#"{"target": "y", "numeric": ["a"]}"#),
            ""
        );
    }

    #[test]
    fn every_fault_is_told() {
        let json = r#"{
            "target": "y",
            "numeric": ["rooms", "y", "rooms"],
            "derived": [
                {"name": "r", "ratio": ["rooms", "later"]},
                {"name": "later", "log1p": "rooms"},
                {"name": "later", "log1p": "r", "square": "r"}
            ],
            "drop": ["Rooms"],
            "clip": {"r": {"bounds": [2, 1]}},
            "impute": {"columns": {"bedrooms": "median"}},
            "scale": {"columns": {"ocean": "none"}},
            "categorical": [
                {"column": "ocean", "categories": ["A", "B", "B"], "unseen": {"as": "C"}, "drop": {"category": "a"}}
            ]
        }"#;
        insta::assert_snapshot!(faults::<FeaturesParams>(json), @r"
        numeric.1: `y` is the target and cannot be a feature
        numeric.2: `rooms` is named twice
        categorical.0.categories: must be distinct, and at least one
        categorical.0.unseen.as: `C` is not among the declared categories (known categories: `A`, `B`)
        categorical.0.drop.category: `a` is not among the declared categories (did you mean `A`?)
        derived.0: there is no numeric column `later` here (known columns: `rooms`, `y`)
        derived.2.name: `later` is named twice
        derived.2: has more than one recipe
        drop.0: there is no numeric column `Rooms` here (did you mean `rooms`?)
        impute.columns.bedrooms: there is no numeric column `bedrooms` here (known columns: `later`, `r`, `rooms`, `y`)
        scale.columns.ocean: there is no numeric column `ocean` here (known columns: `later`, `r`, `rooms`, `y`)
        clip.r: there is no numeric column `r` here (known columns: `rooms`, `y`)
        clip.r.bounds: must be two ascending numbers
        ");
    }

    #[test]
    fn words_are_checked_with_their_path() {
        let json = r#"{"target": "y", "numeric": ["a"], "scale": {"default": "standart"},
            "impute": {"default": {"constant": "0"}, "columns": {"a": "mode"}}}"#;
        insta::assert_snapshot!(faults::<FeaturesParams>(json), @r#"
        impute.columns.a: `mode` is not a word for this (known words: `none`, `median`, `mean`, `keep`, `constant`)
        impute.default.constant: found the text "0", expected a number
        scale.default: `standart` is not a word for this (did you mean `standard`?)
        "#);
    }

    #[test]
    fn faults_of_neighbours_are_told() {
        let json = r#"{
            "target": "y",
            "numeric": ["lat", "lon", "near_2_mean_y"],
            "neighbours": [
                {"name": "near", "columns": ["lat", "lon"], "k": [2], "statistics": ["mean", "distance"]},
                {"name": "far", "columns": ["lat", "y", "lat"], "stretch": {"lon": 2, "lat": 0}, "k": [0, 3, 3],
                 "statistics": [], "of": ["latt"], "weights": {"inverse": -1}},
                {"name": "near", "columns": [], "k": [2], "statistics": ["distance", "distance"], "of": []}
            ],
            "drop": ["near_2_distance", "near_3_distance"]
        }"#;
        insta::assert_snapshot!(faults::<FeaturesParams>(json), @r"
        neighbours.0: `near_2_mean_y` is named twice
        neighbours.1.columns.1: there is no numeric column `y` here (known columns: `lat`, `lon`, `near_2_mean_y`)
        neighbours.1.columns: must be distinct, and at least one
        neighbours.1.stretch.lat: must be above 0
        neighbours.1.stretch.lon: there is no numeric column `lon` here (known columns: `lat`, `y`)
        neighbours.1.k: must be distinct, and at least one
        neighbours.1.k.0: must be at least 1
        neighbours.1.statistics: must be distinct, and at least one
        neighbours.1.weights.inverse: must be 0 or above
        neighbours.1.of.0: there is no numeric column `latt` here (did you mean `lat`?)
        neighbours.2.columns: must be distinct, and at least one
        neighbours.2.statistics: must be distinct, and at least one
        neighbours.2.of: must be distinct, and at least one
        neighbours.2: `near_2_distance` is named twice
        drop.1: there is no numeric column `near_3_distance` here (did you mean `near_2_distance`?)
        ");
        let json = r#"{"target": "y", "numeric": ["a"], "neighbours": [
            {"name": "n", "columns": ["a"], "k": ["many"], "statistics": ["average"], "weights": "distance"}]}"#;
        insta::assert_snapshot!(faults::<FeaturesParams>(json), @r#"
        neighbours.0.k.0: found the text "many", expected a whole number from 0
        neighbours.0.statistics.0: `average` is not a word for this (known words: `mean`, `std`, `min`, `max`, `distance`)
        neighbours.0.weights: `distance` is not a word for this (known words: `uniform`, `inverse`)
        "#);
    }
}
