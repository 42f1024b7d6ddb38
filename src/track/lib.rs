//! What executions measured: metrics files, read and set side by side.
//!
//! [`read_metrics`] reads a file that a stage declares under `metrics:`; [`Overview`] arranges what one file
//! says, and [`Comparison`] sets several files side by side, for `hpipe metrics show`. Runs, the model registry and
//! their database come to live here too.
//!
//! Deliberately knows neither engine nor terminal, and reads no disk: callers hand it text.

mod comparison;
mod overview;
mod read;

pub use comparison::{Comparison, READABLE, Row, group_alike};
pub use overview::{Depth, Overview, Table, TableRow};
pub use read::{Error, read_metrics};
