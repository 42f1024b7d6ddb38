//! The built-in machine-learning stages of hpipe: from a raw table to evaluated models.
//!
//! | stage | makes of what |
//! |---|---|
//! | [`Ingest`] | a CSV or parquet table, local or fetched → a checked parquet table and its data-quality report |
//! | [`Split`] | one table → train, validation and test parts |
//! | [`Features`] | the three parts → numeric features, and the transform that made them |
//! | [`Tune`] | features → a study: the best hyperparameters of one model |
//! | [`Train`] | features → one model |
//! | [`Stack`] | models → one model that weighs them |
//! | [`Explain`] | one model → importance of its features, SHAP values, charts |
//! | [`Profile`] | one model, the rows it learned from and others → what it takes and how it errs |
//! | [`Monitor`] | a model, its profile and new rows → what has changed |
//! | [`Predict`] | a model and a table → the table with predictions |
//! | [`Evaluate`] | models and features → metrics, comparison, verdicts, the best model and why, a report |
//!
//! Each implements [`hpipe_core::Stage`]: options are read by `options.rs` into a params type as the user wrote it,
//! whose `check` gives the only type that executes (linfa's custom). Tables are plain columns (`table.rs`); polars is
//! known to `frame.rs` alone, ndarray to `matrix.rs` and the learners below. No stage looks at the clock or the
//! environment, and no result depends on the number of threads.
//!
//! The formats written here: `docs/formats/transform.md`, `model.md`, `data_quality.md`, `explanation.md`, `evaluation.md`.

mod artifact;
mod content_key;
mod csv;
mod csv_shape;
mod discriminator;
mod drawings;
mod error;
mod evaluate;
mod explain;
mod explanation;
mod export;
mod features;
mod folds;
mod frame;
mod import;
mod ingest;
mod learner;
mod markdown;
mod model;
mod monitor;
mod names;
mod options;
mod ports;
mod predict;
mod predictor;
mod profile;
mod schema;
mod scores;
mod shuffle;
mod split;
mod stack;
mod statistics;
mod study;
mod table;
mod table_files;
mod train;
mod transform;
mod tune;

use std::sync::Arc;

pub use discriminator::Forest;
pub use evaluate::Evaluate;
pub use explain::Explain;
pub use export::Export;
pub use features::Features;
pub use import::Import;
pub use ingest::Ingest;
pub use monitor::Monitor;
pub use predict::Predict;
pub use predictor::Loader;
pub use profile::Profile;
pub use split::Split;
pub use stack::Stack;
pub use table_files::Tables;
pub use train::Train;
pub use tune::Tune;

/// Adds every built-in stage to `registry`, who loads their models, and who reads tables.
pub fn register(registry: &mut hpipe_core::Registry) {
    registry.models = Some(Arc::new(Loader));
    registry.tables = Some(Arc::new(Tables));
    registry.discriminator = Some(Arc::new(Forest));
    registry.add(Ingest);
    registry.add(Split);
    registry.add(Features);
    registry.add(Tune);
    registry.add(Train);
    registry.add(Stack);
    registry.add(Explain);
    registry.add(Evaluate);
    registry.add(Profile);
    registry.add(Predict);
    registry.add(Monitor);
    registry.add(Export);
    registry.add(Import);
}
