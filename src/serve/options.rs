//! What may be chosen about serving, and the limits that keep one client from taking everything.

use std::time::Duration;

/// What becomes of a row that is unlike what the model was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It is answered, with a warning.
    Warn,
    /// The request is refused.
    Reject,
    /// It is answered, and nobody is told.
    Ignore,
}

/// How much one client, or all together, may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body.
    pub body: usize,
    /// Rows of a request.
    pub rows: usize,
    /// How long a request may take, from its head to its answer.
    pub time: Duration,
    /// Requests that are worked on at once; more are answered 503.
    pub requests: usize,
    /// Connections at once; more wait.
    pub connections: usize,
    /// How long a connection may be silent before and between requests.
    pub idle: Duration,
    /// How long answers that are under way may take once the server shall stop.
    pub last_words: Duration,
}

/// How models are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Numbers outside of the range of training, words that training did not see.
    pub out_of_range: Treatment,
    /// Columns that the model does not take.
    pub unknown_columns: Treatment,
    /// The header whose value says who asks: requests of one are answered by one version, where several answer. Without it, or
    /// without the header, the request's id does.
    pub sticky: Option<String>,
    /// How often it is told how long answers took, if they were any; and at the end.
    pub tell_latencies: Option<Duration>,
    /// The limits.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            out_of_range: Treatment::Warn,
            unknown_columns: Treatment::Reject, // most are misspelt
            sticky: None,
            tell_latencies: Some(Duration::from_secs(60)),
            limits: Limits::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 16 * 1024 * 1024,
            rows: 100_000,
            time: Duration::from_secs(30),
            requests: 256,
            connections: 8192,
            idle: Duration::from_secs(60),
            last_words: Duration::from_secs(10),
        }
    }
}
