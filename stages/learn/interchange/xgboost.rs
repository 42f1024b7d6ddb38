//! Models of XGBoost, in its two formats: JSON text and UBJSON bytes, which hold the same document.
//!
//! XGBoost sends `x < threshold` left and the *listed* categories right; it computes in `f32`, so numbers written there
//! are rounded to that, and sums differ in the last bits. What is taken and what is refused: `docs/interchange.md`.

mod categories;
mod export;
mod import;

use super::document::Value;
use super::{Columns, Error, Imported, Rounds, ubjson};
use crate::learned::Learned;

/// Writes trees as an XGBoost model in JSON; the words of categories are an attribute of the booster.
///
/// A link becomes the objective whose link it is (`count:poisson`, `binary:logistic`), no link `reg:squarederror`. The
/// leaves of a forest are divided by the number of trees, as XGBoost has no mean.
///
/// # Errors
/// [`Error::NoWords`] for other models than trees, for [`Link::SignedSquare`](crate::learned::Link::SignedSquare), and
/// for numbers too large for `f32`; [`Error::Invalid`].
pub fn to_json<'a>(learned: &Learned, columns: impl Into<Columns<'a>>) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(&export::document(learned, columns.into())?).map_err(Error::Json)
}

/// Writes trees as an XGBoost model in UBJSON, otherwise as [`to_json`].
///
/// # Errors
/// As [`to_json`].
pub fn to_ubj<'a>(learned: &Learned, columns: impl Into<Columns<'a>>) -> Result<Vec<u8>, Error> {
    Ok(ubjson::write(&export::document(learned, columns.into())?))
}

/// Reads a model that XGBoost saved as JSON (`gbtree`, `dart` or `gblinear`; one output).
///
/// # Errors
/// [`Error::Json`], [`Error::Damaged`], [`Error::Unsupported`], each with the path in the document.
pub fn from_json(text: &[u8], rounds: Rounds) -> Result<Imported, Error> {
    let document: Value = serde_json::from_slice(text).map_err(Error::Json)?;
    import::model(&document, rounds)
}

/// Reads a model that XGBoost saved as UBJSON, otherwise as [`from_json`].
///
/// # Errors
/// [`Error::Ubjson`], [`Error::Damaged`], [`Error::Unsupported`].
pub fn from_ubj(bytes: &[u8], rounds: Rounds) -> Result<Imported, Error> {
    import::model(&ubjson::read(bytes)?, rounds)
}
