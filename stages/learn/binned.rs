//! A matrix as small codes: what histograms count, made once and shared by all trees, learners and tuning trials.
//!
//! Values are rounded to `f32`; each column is cut into at most 255 bins by thresholds of which `x < threshold` is exactly
//! "in a bin before it"; bin 255 holds missing values. Codes lie in strips of 16 features, a row's 16 codes side by side:
//! a histogram pass then reads its row's gradient once for 16 features, 16 histograms of 2 kB stay in the L1 cache, and two
//! additions to one bin are 16 additions apart, so that none waits for the one before even where a bin holds most rows.

mod column;
mod edges;

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use self::column::Coded;
pub(crate) use self::column::Column;
use crate::error::{Error, require};
use crate::random::{Draws, Purpose};
use crate::tree::FeatureKind;

/// The code of a missing value.
pub(crate) const MISSING: u8 = u8::MAX;
/// The most bins a column can have besides that of missing values.
pub(crate) const MOST_BINS: usize = 255;
/// Features a strip holds.
pub(crate) const STRIP: usize = 16;
/// Rows from which the thresholds of a larger matrix are made, as in LightGBM.
const SAMPLED_ROWS: u32 = 200_000;

/// The codes of 16 features: one array a row.
pub(crate) type Strip = Vec<[u8; STRIP]>;

/// Records (`n_rows × n_features`) as codes of at most 8 bits.
#[derive(Debug, Clone)]
pub struct Binned {
    rows: usize,
    columns: Vec<Column>,
    strips: Vec<Strip>,
    /// The same codes column by column, for what asks of one feature only: dividing rows reads a byte a row, not a line.
    codes: Vec<Vec<u8>>,
}

/// How a matrix is cut into bins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binning {
    /// The most bins a numeric column is cut into, from 2 to 255; 255 unless given. Missing values have one besides.
    pub max_bin: usize,
    /// Places of the features that hold codes `0, 1, …` of categories, of which there may be 255.
    pub categorical: Vec<usize>,
}

impl Default for Binning {
    fn default() -> Self {
        Self {
            max_bin: MOST_BINS,
            categorical: Vec::new(),
        }
    }
}

impl Binning {
    /// Checks the ranges.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let holds = (2..=MOST_BINS).contains(&self.max_bin);
        require(holds, "max_bin", self.max_bin, "from 2 to 255")
    }
}

impl Binned {
    /// Cuts `records` (`n_rows × n_features`, NaN where a value is missing) into bins.
    ///
    /// Thresholds are quantiles, of a random 200,000 rows when there are more; a column of few values has one bin a value.
    ///
    /// # Errors
    /// [`Error::NoRows`], [`Error::NoFeatures`], [`Error::TooMany`], [`Error::Infinite`], [`Error::Code`], and
    /// [`Error::Hyperparameter`] when `binning` is out of range or names a feature that is none.
    pub fn new(records: ArrayView2<'_, f64>, binning: &Binning) -> Result<Self, Error> {
        binning.check()?;
        let (rows, features) = check_shape(records, &binning.categorical)?;
        let sample = (rows > SAMPLED_ROWS as usize)
            .then(|| Draws::new(0, Purpose::Bins, 0).subset(rows as u32, SAMPLED_ROWS));
        let coded: Vec<Coded> = (0..features)
            .into_par_iter()
            .map(|feature| {
                let values = records.column(feature);
                code(feature, values, sample.as_deref(), binning)
            })
            .collect::<Result<_, Error>>()?;
        let strips = coded
            .par_chunks(STRIP)
            .map(|columns| interleave(rows, columns))
            .collect();
        let (columns, codes) = coded
            .into_iter()
            .map(|coded| (coded.column, coded.codes))
            .unzip();
        Ok(Self {
            rows,
            columns,
            strips,
            codes,
        })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of features.
    pub fn features(&self) -> usize {
        self.columns.len()
    }

    /// What each feature is.
    pub fn kinds(&self) -> Vec<FeatureKind> {
        self.columns.iter().map(|column| column.kind).collect()
    }

    /// Number of bins of a feature, without that of missing values.
    pub fn bins(&self, feature: usize) -> usize {
        self.columns[feature].bins()
    }

    pub(crate) fn column(&self, feature: usize) -> &Column {
        &self.columns[feature]
    }

    pub(crate) fn strips(&self) -> &[Strip] {
        &self.strips
    }

    /// The codes of a feature, row by row.
    pub(crate) fn codes(&self, feature: usize) -> &[u8] {
        &self.codes[feature]
    }
}

/// Checks what is true of every matrix that can be learnt from; its rows and features.
pub(crate) fn check_shape(
    records: ArrayView2<'_, f64>,
    categorical: &[usize],
) -> Result<(usize, usize), Error> {
    let (rows, features) = records.dim();
    let too_many = |what, found, most| Error::TooMany { what, found, most };
    if rows == 0 {
        return Err(Error::NoRows);
    }
    if features == 0 {
        return Err(Error::NoFeatures);
    }
    if rows >= u32::MAX as usize {
        return Err(too_many("rows", rows, u32::MAX as usize - 1));
    }
    if features > 1 << 29 {
        return Err(too_many("features", features, 1 << 29));
    }
    for &feature in categorical {
        require(
            feature < features,
            "categorical",
            feature,
            "the place of a feature",
        )?;
    }
    Ok((rows, features))
}

/// A value of the matrix in single precision, NaN when it is missing; zero has one sign.
pub(crate) fn single(feature: usize, row: usize, value: f64) -> Result<f32, Error> {
    let rounded = value as f32;
    if rounded.is_infinite() {
        return Err(Error::Infinite {
            feature,
            row,
            value,
        });
    }
    Ok(rounded + 0.0)
}

/// The codes of one column.
fn code(
    feature: usize,
    values: ArrayView1<'_, f64>,
    sample: Option<&[u32]>,
    binning: &Binning,
) -> Result<Coded, Error> {
    let values: Vec<f32> = values
        .iter()
        .enumerate()
        .map(|(row, &value)| single(feature, row, value))
        .collect::<Result<_, _>>()?;
    if binning.categorical.contains(&feature) {
        return column::categorical(feature, &values);
    }
    let mut sorted: Vec<f32> = match sample {
        Some(rows) => rows.iter().map(|&row| values[row as usize]).collect(),
        None => values.clone(),
    };
    sorted.retain(|value| !value.is_nan());
    edges::sort(&mut sorted);
    let cuts = edges::cuts(&sorted, binning.max_bin);
    Ok(column::numeric(cuts, &values))
}

/// Up to 16 columns of codes, row by row.
fn interleave(rows: usize, columns: &[Coded]) -> Strip {
    let mut strip = vec![[0; STRIP]; rows];
    for (slot, coded) in columns.iter().enumerate() {
        for (row, &code) in strip.iter_mut().zip(&coded.codes) {
            row[slot] = code;
        }
    }
    strip
}
