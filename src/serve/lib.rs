//! Serving registered models over HTTP.
//!
//! [`Server`] listens; `listen` accepts connections and ends them gracefully; `route` says what a path means; `handle`
//! takes a request to its answer (`access`: whether it gets one); `json`, `csv`, `arrow` and the protocols of others turn bodies into rows (`media` says which is which), `rows` checks them
//! against what the model takes, `check` against what it was trained on. `lineup` holds the versions that answer (`shares` says which, `shadow` asks one that is not heard), `watch`
//! exchanges them when the records say so; `replay` asks a version that is not served yet, for its gate. `metrics` counts. Docs: docs/serving.md.
//!
//! Deliberately knows no learner, no data frame and no engine: a model is a [`Predictor`](hpipe_core::Predictor) made by a
//! [`ModelLoader`](hpipe_core::ModelLoader). It prints nothing: what whoever runs the server should know goes to [`Report`].

mod access;
mod app;
mod arrow;
mod body;
mod check;
mod csv;
mod fault;
mod handle;
mod histogram;
mod journal;
mod json;
mod lineup;
mod listen;
mod media;
mod metrics;
mod openapi;
mod options;
mod pages;
mod patience;
mod protocol;
mod queue;
mod replay;
mod request_id;
mod route;
mod rows;
mod shadow;
mod shares;
mod source;
mod tls;
mod watch;

pub use access::Token;
pub use listen::{Server, Stopper};
pub use options::{Limits, Options, Treatment};
pub use replay::replay;
pub use shares::Share;
pub use source::{Canary, Setup, StartError};
pub use tls::Tls;

/// Is told what whoever runs the server should know: a new version, one that cannot be loaded.
pub type Report = Box<dyn Fn(Told<'_>) + Send + Sync>;

/// What whoever runs the server should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<'a> {
    /// Another version answers from now on.
    Swapped {
        /// The version that did: `house/2`.
        from: &'a str,
        /// The version that does.
        to: &'a str,
    },
    /// How long answers of a version on a route took since the start, in seconds.
    Latency {
        /// The version: `house/2`.
        version: &'a str,
        /// The route: `/predict`.
        route: &'a str,
        /// Answers.
        count: u64,
        /// What half, 95 and 99 of a hundred took at most, to an eighth.
        quantiles: [f64; 3],
    },
    /// An old file of the log of predictions was removed, as whoever runs the server asked.
    Removed {
        /// Where it lay.
        path: &'a str,
        /// How many predictions it held.
        rows: u64,
    },
    /// Something is wrong; the server goes on as it is. One lowercase sentence.
    Warning(&'a str),
}
