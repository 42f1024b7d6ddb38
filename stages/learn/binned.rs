//! A matrix as small codes: what histograms count, made once and shared by all trees, learners and tuning trials.
//!
//! Values are rounded to `f32`; each column is cut into at most 255 bins by thresholds of which `x < threshold` is exactly
//! "in a bin before it"; bin 255 holds missing values. Codes lie in strips of 16 features, a row's 16 codes side by side:
//! a histogram pass then reads its row's gradient once for 16 features, 16 histograms of 2 kB stay in the L1 cache, and two
//! additions to one bin are 16 additions apart, so that none waits for the one before even where a bin holds most rows.
//!
//! Where nodes shall be split exactly, a bin is made of steps, one a value, and a row has the 16-bit code of its step too:
//! it says in which order values are, which is all a split needs.

mod column;
mod edges;

use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;

use self::column::Coded;
pub(crate) use self::column::Column;
use self::edges::edges;
use crate::error::{Error, require};
use crate::random::{Draws, Purpose};
use crate::tree::FeatureKind;

/// The code of a missing value.
pub(crate) const MISSING: u8 = u8::MAX;
/// The step of a missing value.
pub(crate) const MISSING_STEP: u16 = u16::MAX;
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
    /// The finest codes column by column, for what asks of one feature only: dividing rows reads a byte or two a row, not a
    /// line.
    codes: Vec<Codes>,
    exact: bool,
}

/// The codes of a column, row by row.
#[derive(Debug, Clone)]
pub(crate) enum Codes {
    /// Bins, or categories.
    Bins(Vec<u8>),
    /// Steps, of which bins are made.
    Steps(Vec<u16>),
}

impl Codes {
    /// The code of a row, none when its value is missing.
    pub(crate) fn at(&self, row: u32) -> Option<u32> {
        match self {
            Self::Bins(bins) => Some(bins[row as usize])
                .filter(|&bin| bin != MISSING)
                .map(u32::from),
            Self::Steps(steps) => Some(steps[row as usize])
                .filter(|&step| step != MISSING_STEP)
                .map(u32::from),
        }
    }
}

/// How a matrix is cut into bins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binning {
    /// The most bins a numeric column is cut into, from 2 to 255; 255 unless given. Missing values have one besides.
    pub max_bin: usize,
    /// Places of the features that hold codes `0, 1, …` of categories, of which there may be 255.
    pub categorical: Vec<usize>,
    /// Whether the order of the values within a bin is kept, two bytes a value, so that nodes can be split between any two
    /// (any two of some 65,000 steps, where a column has more values). Learners that split so set it themselves.
    pub exact: bool,
}

impl Default for Binning {
    fn default() -> Self {
        Self {
            max_bin: MOST_BINS,
            categorical: Vec::new(),
            exact: false,
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
        let (columns, codes) = coded.into_iter().map(Coded::finest).unzip();
        Ok(Self {
            rows,
            columns,
            strips,
            codes,
            exact: binning.exact,
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

    /// The finest codes of a feature.
    pub(crate) fn codes(&self, feature: usize) -> &Codes {
        &self.codes[feature]
    }

    /// Whether the order of the values within a bin is known.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
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
    let rows: Vec<u32> = match sample {
        Some(rows) => rows.to_vec(),
        None => (0..values.len() as u32).collect(),
    };
    let rows = ascending(&values, rows);
    let sorted: Vec<f32> = rows.iter().map(|&row| values[row as usize]).collect();
    let edges = edges(&sorted, binning.max_bin, binning.exact);
    let rows = sample.is_none().then_some(&rows[..]);
    Ok(column::numeric(edges, &values, rows, binning.exact))
}

/// Those of `rows` whose value is a number, in the order of their values.
fn ascending(values: &[f32], mut rows: Vec<u32>) -> Vec<u32> {
    rows.retain(|&row| !values[row as usize].is_nan());
    let key = |row: u32| {
        // in the order of whole numbers: the sign turned, and with it all bits of what is below zero
        let bits = values[row as usize].to_bits();
        let turned = bits ^ (((bits as i32 >> 31) as u32) | 1 << 31);
        u64::from(turned) << 32 | u64::from(row)
    };
    let mut keys: Vec<u64> = rows.iter().map(|&row| key(row)).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| key as u32).collect()
}

/// Up to 16 columns of codes, row by row.
fn interleave(rows: usize, columns: &[Coded]) -> Strip {
    let mut strip = vec![[0; STRIP]; rows];
    for (slot, coded) in columns.iter().enumerate() {
        for (row, &code) in strip.iter_mut().zip(&coded.bins) {
            row[slot] = code;
        }
    }
    strip
}
