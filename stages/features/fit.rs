//! Fitting a transform on the training part.
//!
//! Each step is fitted and at once applied, by the same code that applies it later, so that the next step learns from
//! exactly what it will be given.

use std::collections::BTreeMap;

use super::neighbours;
use super::params::{
    CategoryParams, Clip, Drop, Encode, Impute, ImputeCategory, Scale, ValidFeaturesParams,
};
use crate::error::Error;
use crate::names;
use crate::statistics::{self, Sorted};
use crate::table::{Cells, Lookup, Table};
use crate::transform::{
    Category, CategoryFiller, Derived, Encoding, Filler, Numbers, Numeric, Scaled, Transform,
    Unseen,
};

/// A transform, and what is worth noting about how it came to be.
pub(super) struct Fitted {
    pub(super) transform: Transform,
    /// Lowercase fragments for the stage's log.
    pub(super) notes: Vec<String>,
    /// The same for the user's eyes.
    pub(super) warnings: Vec<String>,
}

/// Fits a transform on `train`, which has at least one row.
///
/// # Errors
/// [`Error::MissingColumn`], [`Error::WrongType`], [`Error::NotFinite`]; [`Error::MissingValue`] where nothing says what to
/// impute; [`Error::NothingToLearn`] for a column without any value.
pub(super) fn fit(params: &ValidFeaturesParams, train: &Table) -> Result<Fitted, Error> {
    let (mut notes, mut warnings) = (Vec::new(), Vec::new());
    let mut numbers = Numbers::default();
    let mut numeric = Vec::new();
    for column in &params.numeric {
        let fitted = fit_numeric(params, column, train)?;
        numbers.add(column, fitted.apply(train)?);
        numeric.push(fitted);
    }
    let mut derived = Vec::new();
    for (name, recipe) in &params.derived {
        let values = recipe.compute(&numbers)?;
        let fitted = Derived {
            name: name.clone(),
            recipe: recipe.clone(),
            impute: learn_impute(*params.impute.of(name), name, &values)?,
        };
        numbers.add(name, fitted.apply(&numbers)?);
        derived.push(fitted);
    }
    let mut groups = Vec::new();
    for group in &params.neighbours {
        groups.push(neighbours::fit(
            group,
            params,
            train,
            &mut numbers,
            &mut warnings,
        )?);
    }
    let told: Vec<String> = params
        .neighbours
        .iter()
        .flat_map(|g| g.features())
        .collect();
    let names = params
        .numeric
        .iter()
        .chain(params.derived.iter().map(|(name, _)| name))
        .chain(&told);
    let mut scaled = Vec::new();
    for column in names.filter(|name| !params.drop.contains(*name)) {
        let values = numbers.get(column)?;
        let known: Vec<f64> = values.iter().copied().filter(|x| !x.is_nan()).collect();
        if known.windows(2).all(|pair| pair[0] == pair[1]) {
            notes.push(format!(
                "`{column}` is constant in train and tells a model nothing"
            ));
        }
        scaled.push(fit_scale(*params.scale.of(column), column, &known));
    }
    let categories = params
        .categorical
        .iter()
        .map(|category| fit_category(category, train))
        .collect::<Result<_, _>>()?;
    let transform = Transform {
        target: params.target.clone(),
        numeric,
        derived,
        neighbours: groups,
        scaled,
        categories,
    };
    Ok(Fitted {
        transform,
        notes,
        warnings,
    })
}

fn fit_numeric(
    params: &ValidFeaturesParams,
    column: &str,
    train: &Table,
) -> Result<Numeric, Error> {
    let bounds = match params.clip.get(column) {
        None => None,
        Some(Clip::Bounds(bounds)) => Some(*bounds),
        Some(Clip::Quantiles([low, high])) => {
            let sorted = Sorted::new(present(&train.column(column)?.numbers()?));
            let bounds = sorted.quantile(*low).zip(sorted.quantile(*high));
            let (low, high) = bounds.ok_or_else(|| nothing_to_learn(column, "quantiles"))?;
            Some([low, high])
        }
    };
    let fitted = Numeric {
        column: column.to_owned(),
        bounds,
        impute: None,
    };
    let values = fitted.bounded(train)?;
    Ok(Numeric {
        impute: learn_impute(*params.impute.of(column), column, &values)?,
        ..fitted
    })
}

/// What a missing value of a column becomes, learned from `values`.
pub(super) fn learn_impute(
    rule: Impute,
    column: &str,
    values: &[Option<f64>],
) -> Result<Option<Filler>, Error> {
    let learned = match rule {
        Impute::None => return Ok(None),
        Impute::Keep => return Ok(Some(Filler::Keep)),
        Impute::Constant(x) => return Ok(Some(Filler::Constant(x))),
        Impute::Median => Sorted::new(present(values)).median(),
        Impute::Mean => Some(present(values))
            .filter(|values| !values.is_empty())
            .map(|values| statistics::mean(&values)),
    };
    let what = if rule == Impute::Mean {
        "mean"
    } else {
        "median"
    };
    learned
        .map(|x| Some(Filler::Constant(x)))
        .ok_or_else(|| nothing_to_learn(column, what))
}

/// Centre and scale of a feature; a constant one is centred and left undivided.
pub(super) fn fit_scale(rule: Scale, column: &str, values: &[f64]) -> Scaled {
    let sorted = || Sorted::new(values.to_vec());
    let at = |sorted: &Sorted, q| sorted.quantile(q).unwrap_or(0.0);
    let (center, scale) = match rule {
        Scale::None => (0.0, 1.0),
        Scale::Standard => statistics::mean_and_deviation(values),
        Scale::MinMax => {
            let sorted = sorted();
            (at(&sorted, 0.0), at(&sorted, 1.0) - at(&sorted, 0.0))
        }
        Scale::Robust => {
            let sorted = sorted();
            (at(&sorted, 0.5), at(&sorted, 0.75) - at(&sorted, 0.25))
        }
    };
    // scikit-learn's rule: what differs by rounding alone is constant.
    let constant = scale <= 10.0 * f64::EPSILON * center.abs() || !scale.is_normal();
    Scaled {
        column: column.to_owned(),
        center,
        scale: if constant { 1.0 } else { scale },
    }
}

fn fit_category(params: &CategoryParams, train: &Table) -> Result<Category, Error> {
    let column = &params.column;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for word in train.column(column)?.words()?.iter().flatten() {
        *counts.entry(word.clone()).or_default() += 1;
    }
    let impute = match &params.impute {
        ImputeCategory::None => None,
        ImputeCategory::Keep => Some(CategoryFiller::Keep),
        ImputeCategory::Constant(word) => Some(CategoryFiller::Constant(word.clone())),
        ImputeCategory::MostFrequent => {
            // of equal counts `max_by_key` takes the last, hence reversed
            let most = counts.iter().rev().max_by_key(|(_, count)| **count);
            let (word, _) =
                most.ok_or_else(|| nothing_to_learn(column, "most frequent category"))?;
            Some(CategoryFiller::Constant(word.clone()))
        }
    };
    let categories = match &params.categories {
        Some(declared) => declared.clone(),
        None => {
            if let ImputeCategory::Constant(word) = &params.impute {
                counts.entry(word.clone()).or_default();
            }
            counts.into_keys().collect()
        }
    };
    if categories.is_empty() {
        return Err(nothing_to_learn(column, "categories"));
    }
    let dropped = match (params.encode, &params.drop) {
        (Encode::Native, _) | (Encode::OneHot, Drop::None) => None,
        (Encode::OneHot, Drop::First) => categories.first().cloned(),
        (Encode::OneHot, Drop::Category(word)) => Some(word.clone()),
    };
    let stand_in = match &params.unseen {
        Unseen::As(word) => Some(word),
        _ => None,
    };
    if let Some(word) = dropped
        .iter()
        .chain(stand_in)
        .find(|word| !categories.contains(word))
    {
        return Err(Error::UnknownCategory {
            column: column.clone(),
            category: word.clone(),
            help: names::suggest("categories", word, categories.iter().map(String::as_str)),
        });
    }
    Ok(Category {
        column: column.clone(),
        impute,
        categories,
        encoding: match params.encode {
            Encode::OneHot => Encoding::OneHot { dropped },
            Encode::Native => Encoding::Native,
        },
        unseen: params.unseen.clone(),
    })
}

fn present(values: &[Option<f64>]) -> Vec<f64> {
    values.iter().flatten().copied().collect()
}

fn nothing_to_learn(column: &str, what: &'static str) -> Error {
    Error::NothingToLearn {
        column: column.to_owned(),
        what,
    }
}
