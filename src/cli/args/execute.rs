//! Words of the commands that execute stages: `repro` and `watch`.

use super::choosing::Choosing;
use clap::Args;

/// Options of commands that execute.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Working {
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Execute even what is up to date.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Only the targets themselves, not what they need.
    #[arg(short, long, requires = "targets")]
    pub(crate) single_item: bool,
    /// The targets and everything that needs them, instead of what they need.
    #[arg(long, requires = "targets", conflicts_with = "single_item")]
    pub(crate) downstream: bool,
    /// After a failure, go on with what does not need the failed stage.
    #[arg(short, long)]
    pub(crate) keep_going: bool,
    /// Work on at most N stages at once [default: all cores].
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) jobs: Option<u16>,
    /// Execute a stage whose result is only in the run cache.
    #[arg(long)]
    pub(crate) no_run_cache: bool,
    /// Let commands read only their declared deps and write only their outs, as with `sandbox: true`.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Record outs without storing them in the cache; `commit`, or the next `repro`, stores them.
    #[arg(long)]
    pub(crate) no_commit: bool,
    /// Take outs and data that are recorded, but neither here nor in the cache, for present and unchanged.
    #[arg(long)]
    pub(crate) allow_missing: bool,
    /// Read every dep and out, instead of trusting the times of those that have not changed.
    #[arg(long)]
    pub(crate) verify: bool,
    /// Fail at once when another hpipe is executing a stage.
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Write what happens as JSON, one object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `repro`.
#[derive(Debug, Default, Args)]
pub(crate) struct Repro {
    #[command(flatten)]
    pub(crate) working: Working,
    /// Say what would be done, and do nothing.
    #[arg(long, visible_alias = "dry-run")]
    pub(crate) dry: bool,
    /// Fetch what the cache lacks from the remote; without a remote, warn and go on.
    #[arg(long)]
    pub(crate) pull: bool,
    /// Go on and make them up to date again whenever something changes, as `hpipe watch` does.
    #[arg(long, conflicts_with = "dry")]
    pub(crate) watch: bool,
    /// Where stages run that do not say `executor:` [default: local, the only one yet].
    #[arg(long, value_name = "NAME")]
    pub(crate) executor: Option<String>,
    /// Leave alone what comes after STAGE in the plan.
    #[arg(long, value_name = "STAGE")]
    pub(crate) stop_after: Option<String>,
    /// After a failure, go on also with what needs the failed stage; the exit code is 0.
    #[arg(long, conflicts_with = "keep_going")]
    pub(crate) ignore_errors: bool,
    /// Execute what needs a stage that was executed or restored, even if its own inputs are what they were.
    #[arg(long)]
    pub(crate) force_downstream: bool,
    /// Ask before each stage that must execute.
    #[arg(short, long, conflicts_with_all = ["json", "dry"])]
    pub(crate) interactive: bool,
    /// What runs beside a pipeline that is watched.
    #[arg(skip)]
    pub(crate) beside: Option<Beside>,
}

/// A server and a monitor, beside a pipeline that is watched.
#[derive(Debug, Clone)]
pub(crate) struct Beside {
    /// Which model; without it the only one.
    model: Option<String>,
    host: String,
    port: u16,
    batch_rows: u32,
}

impl Beside {
    /// The words of `serve` that say the same.
    pub(crate) fn serving(&self, as_json: bool) -> Vec<String> {
        let port = self.port.to_string();
        self.words(["--host", &self.host, "--port", &port], as_json)
    }

    /// The words of `monitor` that say the same.
    pub(crate) fn monitoring(&self, as_json: bool) -> Vec<String> {
        self.words(
            ["--log", "--batch-rows", &self.batch_rows.to_string()],
            as_json,
        )
    }

    fn words<const N: usize>(&self, words: [&str; N], as_json: bool) -> Vec<String> {
        let words = words.into_iter().chain(as_json.then_some("--json"));
        words
            .chain(self.model.as_deref())
            .map(str::to_owned)
            .collect()
    }

    /// Which model.
    pub(crate) fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    pub(crate) working: Working,
    /// Serve this model meanwhile, and watch what it answers: NAME[@STAGE|ALIAS] [default: the only one there is].
    #[arg(long, value_name = "MODEL", num_args = 0..=1, default_missing_value = "")]
    pub(crate) serve: Option<String>,
    /// Listen at this address.
    #[arg(
        long,
        value_name = "HOST",
        requires = "serve",
        default_value = "127.0.0.1"
    )]
    pub(crate) host: String,
    /// Listen on this port; 0 is any that is free.
    #[arg(long, value_name = "PORT", requires = "serve", default_value_t = 8080)]
    pub(crate) port: u16,
    /// Judge what is answered in batches of N rows.
    #[arg(long, value_name = "N", requires = "serve", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_rows: u32,
}

impl Watch {
    /// What `repro --watch` says.
    pub(crate) fn as_repro(&self) -> Repro {
        Repro {
            working: self.working.clone(),
            watch: true,
            beside: self.serve.as_ref().map(|model| Beside {
                model: Some(model.clone()).filter(|model| !model.is_empty()),
                host: self.host.clone(),
                port: self.port,
                batch_rows: self.batch_rows,
            }),
            ..Repro::default()
        }
    }
}

impl Working {
    /// What `repro STAGE` says.
    pub(crate) fn on(stage: &str) -> Self {
        Self {
            choosing: Choosing {
                targets: vec![stage.to_owned()],
                ..Choosing::default()
            },
            ..Self::default()
        }
    }
}
