//! Small pipelines for tests, from names and who needs whom.

use hpipe_core::{ProjectPath, Registry};
use hpipe_spec::{Files, Pipeline};

use crate::graph::Graph;

/// No file but the pipeline exists.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &ProjectPath) -> Result<Option<String>, String> {
        Ok(None)
    }
}

/// Parses a pipeline that must be without fault.
pub(crate) fn parse(text: &str) -> Pipeline {
    let parsed = hpipe_spec::parse(&ProjectPath::new("pipeline.yaml"), text, &NoFiles);
    assert_eq!(parsed.diagnostics, []);
    let pipeline = parsed.pipeline.expect("a pipeline without fault");
    assert_eq!(
        hpipe_spec::check_builtins(&pipeline, &Registry::default()),
        []
    );
    pipeline
}

/// A pipeline in which each stage makes the out of its own name and needs those of others.
pub(crate) fn pipeline_of(stages: &[(&str, &[&str])]) -> Pipeline {
    let stage = |(name, needs): &(&str, &[&str])| {
        let deps: Vec<_> = needs.iter().map(|need| format!("{need}.out")).collect();
        format!(
            "  {name}:\n    cmd: make\n    deps: [{}]\n    outs: [{name}.out]\n",
            deps.join(", ")
        )
    };
    parse(&format!(
        "stages:\n{}",
        stages.iter().map(stage).collect::<String>()
    ))
}

/// The graph of a pipeline that must be without fault.
pub(crate) fn graph_of(pipeline: &Pipeline) -> Graph {
    Graph::new(pipeline, &[ProjectPath::new("pipeline.yaml")]).expect("a graph without fault")
}
