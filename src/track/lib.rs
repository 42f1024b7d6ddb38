//! What executions measured: metrics and plot files, read and set side by side.
//!
//! [`read_metrics`] reads a file that a stage declares under `metrics:`; [`Overview`] arranges what one file
//! says, [`Comparison`] sets several files side by side, and [`changes`] one file at two times, for `hpipe metrics` and
//! `hpipe params`.
//! [`DataTable`] reads what is declared under `plots:`, and [`lines`](lines()) picks the columns to draw, for `hpipe
//! plots`. Runs, the model registry and their database come to live here too.
//!
//! Deliberately knows neither engine nor terminal, draws nothing and reads no disk: callers hand it text.

mod comparison;
mod difference;
mod lines;
mod overview;
mod read;
mod table;

pub use comparison::{Comparison, READABLE, Row, group_alike};
pub use difference::{Change, changes, changes_of_all, fits};
pub use lines::{Line, LineError, lines};
pub use overview::{Depth, Overview, Table, TableRow};
pub use read::{Error, as_text, read_metrics};
pub use table::DataTable;
