//! The built-in machine-learning stages of hpipe: from a raw table to evaluated models.
//!
//! | stage | makes of what |
//! |---|---|
//! | [`Ingest`] | a CSV or parquet table, local or fetched → a checked parquet table and its data-quality report |
//! | [`Split`] | one table → train, validation and test parts |
//! | [`Features`] | the three parts → numeric features, and the transform that made them |
//! | [`Train`] | features → one model |
//! | [`Evaluate`] | models and features → metrics, comparison, verdicts |
//!
//! Each implements [`hpipe_core::Stage`]: options are read by `options.rs` into a params type as the user wrote it,
//! whose `check` gives the only type that executes (linfa's custom). Tables are plain columns (`table.rs`); polars is
//! known to `frame.rs` alone, ndarray to `matrix.rs` and the learners below. No stage looks at the clock or the
//! environment, and no result depends on the number of threads.
//!
//! The formats written here: `docs/formats/transform.md`, `model.md`, `data_quality.md`, `evaluation.md`.

mod artifact;
mod csv_shape;
mod error;
mod evaluate;
mod features;
mod frame;
mod ingest;
mod linear;
mod markdown;
mod matrix;
mod model;
mod names;
mod options;
mod ports;
mod scores;
mod split;
mod statistics;
mod table;
mod train;
mod transform;

pub use evaluate::Evaluate;
pub use features::Features;
pub use ingest::Ingest;
pub use split::Split;
pub use train::Train;

/// Adds every built-in stage to `registry`.
pub fn register(registry: &mut hpipe_core::Registry) {
    registry.add(Ingest);
    registry.add(Split);
    registry.add(Features);
    registry.add(Train);
    registry.add(Evaluate);
}
