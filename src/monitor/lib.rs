//! Watching a model: whether what comes in, what it answers and how it errs is still as it was.
//!
//! Pure computation: no disk, no clock, no threads but rayon's. The reference is the [`Profile`](hpipe_core::Profile) that is kept
//! with a version, a few kilobytes; training data is not needed. Three questions:
//!
//! - Has a distribution moved? A [`Window`] counts rows, of any number, against the quantiles of the profile.
//! - Is this batch of rows worse than chance makes a batch of that size? [`Batches`] judges.
//! - Are the rows such as the model can take? [`Findings`] say what is wrong with them.
//!
//! [`Watch`] asks all three of the rows that a [`Predictor`](hpipe_core::Predictor) is given, and makes a [`Report`].
//!
//! The statistics under them ([`ks_two_samples`], [`psi`], [`chi_squared`], …) agree with scipy to 1e-9; `tests/scipy.rs` shows it.

mod alerts;
mod batches;
mod cut;
mod distribution;
mod domain;
mod errors;
mod kolmogorov;
mod level;
mod limits;
mod page;
mod quality;
mod random;
mod report;
mod residuals;
mod samples;
mod seen;
mod segments;
mod settings;
mod shares;
mod sketch;
mod time;
mod watch;
mod window;
mod written;

pub use alerts::{Alert, Kind, Severity};
pub use batches::{BatchVerdict, Batches, FALSE_ALARMS, LevelVerdict, Scored, Subject};
pub use cut::{Cut, Late};
pub use distribution::{
    chi_squared_quantile_of_tail, chi_squared_tail, fisher_exact, normal_quantile_of_tail,
    normal_tail,
};
pub use domain::{Multivariate, rank_test};
pub use errors::{ErrorSums, Errors};
pub use kolmogorov::kolmogorov_tail;
pub use level::Level;
pub use limits::{Judged, Limits, SIGNALS};
pub use quality::{Check, Findings, Found, Need, NoColumn};
pub use report::{BatchReport, Report, VERSION};
pub use residuals::Residuals;
pub use samples::{Test, effective_rows, ks_one_sample, ks_two_samples, wasserstein};
pub use segments::{DECILES, Segment, SegmentVerdict};
pub use settings::{Clock, Logged, Settings};
pub use shares::{benjamini_hochberg, chi_squared, jensen_shannon, psi, psi_critical, psi_p};
pub use sketch::{Counts, Distances, Sketch};
pub use watch::{Fault, Watch};
pub use window::{Drift, FEWEST_ROWS, Window};
