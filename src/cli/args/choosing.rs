//! The arguments that choose stages, the same for every command that takes targets.
//!
//! What they mean is told by the engine (`targets`); here is only how they are written.

use clap::Args;
use hpipe_engine::{Location, Selection, Untargeted};

/// Targets and the flags that widen them.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Choosing {
    /// Stages, groups, outs or pipeline files.
    ///
    /// NAME, GROUP, GROUP@ITEM, a path that a stage makes, PIPELINE_FILE or PIPELINE_FILE:NAME. Without any, `repro` and
    /// `watch` take the stages of the nearest pipeline file, other commands everything.
    #[arg(value_name = "TARGET")]
    pub(crate) targets: Vec<String>,
    /// Take whole pipelines: everything that is connected with the targets.
    #[arg(short, long)]
    pub(crate) pipeline: bool,
    /// Take the stages of all pipeline files of the project.
    #[arg(short = 'P', long, conflicts_with = "targets")]
    pub(crate) all_pipelines: bool,
    /// A folder among the targets means the pipeline files in it and below.
    #[arg(short = 'R', long, requires = "targets")]
    pub(crate) recursive: bool,
    /// `*`, `?` and `[…]` in the name of a stage stand for other text.
    #[arg(long, requires = "targets")]
    pub(crate) glob: bool,
}

impl Choosing {
    /// Whether nothing is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.targets.is_empty() && !self.pipeline
    }

    /// What is chosen by somebody at `location`; without targets, `untargeted`.
    pub(crate) fn selection(&self, location: &Location, untargeted: Untargeted) -> Selection {
        Selection {
            untargeted: match self.all_pipelines {
                true => Untargeted::All,
                false => untargeted,
            },
            pipeline: self.pipeline,
            recursive: self.recursive,
            glob: self.glob,
            ..location.chosen(&self.targets)
        }
    }
}
