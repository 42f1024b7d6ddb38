//! What executions measured, and what is recorded of them.
//!
//! [`Ledger`] keeps runs, models and artifacts in `models/`, and alone knows SQL. All else here is pure:
//!
//! [`read_metrics`] reads a file that a stage declares under `metrics:`; [`Overview`] arranges what one file
//! says, [`Comparison`] sets several files side by side, and [`changes`] one file at two times, for `hpipe metrics` and
//! `hpipe params`.
//! [`registry`] is what a version of a registered model holds, and the gates it must pass. [`DataTable`] reads what is declared under `plots:`, and [`lines`](lines()) picks the columns to draw, for `hpipe
//! plots`.
//!
//! Deliberately knows neither engine nor terminal, HTTP nor the clock, and draws nothing; only the ledger touches the disk:
//! to all else callers hand text.

mod comparison;
mod difference;
pub mod ledger;
mod lines;
mod overview;
pub mod predictions;
mod read;
pub mod registry;
mod table;

pub use comparison::{Comparison, READABLE, Row, group_alike};
pub use difference::{Change, changes, changes_of_all, fits};
pub use ledger::{Ledger, LedgerError};
pub use lines::{Line, LineError, lines};
pub use overview::{Depth, Overview, Table, TableRow};
pub use read::{Error, as_text, read_metrics};
pub use table::DataTable;
