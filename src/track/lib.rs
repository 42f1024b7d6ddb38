//! What executions measured: metrics files, read and set side by side.
//!
//! [`read_metrics`] reads a file that a stage declares under `metrics:`; [`Comparison`] sets the metrics of several
//! files side by side, for `hpipe metrics show`. Runs, the model registry and their database come to live here too.
//!
//! Deliberately knows neither engine nor terminal, and reads no disk: callers hand it text.

mod comparison;
mod read;

pub use comparison::{Comparison, Depth, READABLE, Row};
pub use read::{Error, read_metrics};
