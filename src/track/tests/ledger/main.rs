//! The contract of the records: what is written is read back, by every rule that MLflow's client relies on.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests, with helpers of their own, that damage files on purpose"
)]

mod damage;
mod latency;
mod migration;
mod model_files;
mod models;
mod registry;
mod runs;
mod search;
mod support;
