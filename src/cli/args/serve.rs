//! Words of `serve`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Serve this model: NAME (its version in Production), NAME@STAGE, NAME@ALIAS, NAME/VERSION [default: the only one in
    /// Production].
    #[arg(value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Let another version of the model answer this share of requests: `house/4=10%`, `house@Staging=0.05`. May be repeated.
    #[arg(long, value_name = "MODEL=SHARE")]
    pub(crate) canary: Vec<String>,
    /// Let requests with the same value of this header be answered by the same version; else each is on its own.
    #[arg(long, value_name = "HEADER")]
    pub(crate) sticky: Option<String>,
    /// Let another version see what is asked: its predictions are logged, and never answered.
    #[arg(long, value_name = "MODEL")]
    pub(crate) shadow: Option<String>,
    /// Answer only who shows the token in FILE (`Authorization: Bearer …`) [default: HPIPE_SERVE_TOKEN, else everybody].
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Speak TLS with the certificate in FILE (PEM, with those that vouch for it).
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Listen at this address; 0.0.0.0 is every address of the machine.
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1")]
    pub(crate) host: String,
    /// Listen on this port; 0 is any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    pub(crate) port: u16,
    /// What becomes of rows outside of what training saw: ranges of numbers, words.
    #[arg(long, value_name = "HOW", default_value = "warn")]
    pub(crate) out_of_range: Treatment,
    /// What becomes of columns that the model does not take.
    #[arg(long, value_name = "HOW", default_value = "reject")]
    pub(crate) unknown_columns: Unknown,
    /// Refuse bodies of more than this many MiB.
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) max_body: u32,
    /// Refuse requests of more rows.
    #[arg(long, value_name = "ROWS", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_rows: u32,
    /// Answer 408 or 504 to requests that take longer.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) timeout: u32,
    /// Answer 503 while this many requests are worked on.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_requests: u32,
    /// Tell every so many seconds, and at the end, how long answers took; 0: never.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) tell_latency: u32,
    /// Log no predictions; else they go to models/predictions.db.
    #[arg(long, conflicts_with_all = ["log_size", "log_age", "log_keep"])]
    pub(crate) no_log: bool,
    /// Begin a new file of the log once this one has so many MiB; 0: never.
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub(crate) log_size: u32,
    /// Begin a new file of the log once the first row of this one is so many hours old.
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) log_age: Option<u32>,
    /// Keep so many files of the log, the newest among them, and remove older ones [default: all].
    #[arg(long, value_name = "FILES", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) log_keep: Option<u32>,
    /// Write JSON: where it listens, and every exchange of versions.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What becomes of a row that is unlike what training saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Treatment {
    /// They are answered, with warnings.
    Warn,
    /// They are refused with 422.
    Reject,
    /// They are answered.
    Ignore,
}

/// What becomes of a column that the model does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unknown {
    /// The request is refused with 422.
    Reject,
    /// It is left aside.
    Ignore,
}
