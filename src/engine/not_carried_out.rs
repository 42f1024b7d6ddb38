//! Refuses what `spec` can read and this engine does not carry out yet, rather than promise what is not kept.
//!
//! Each key goes from here when it is carried out; the file goes with the last of them.

use hpipe_core::{Code, Diagnostic};
use hpipe_spec::{Execution, Pipeline, StageSpec};

/// A diagnostic for each key that would have no effect.
pub(crate) fn refused(pipeline: &Pipeline) -> Vec<Diagnostic> {
    pipeline.stages.iter().flat_map(of_stage).collect()
}

fn of_stage(stage: &StageSpec) -> Vec<Diagnostic> {
    let plain = Execution::default();
    let said = stage.execution();
    let keys = [
        ("resources", said.resources != plain.resources),
        ("mutex", said.mutex != plain.mutex),
        ("pool", said.pool != plain.pool),
        ("timeout", said.timeout != plain.timeout),
        ("retry", said.retry != plain.retry),
        ("shell", said.shell != plain.shell),
        (
            "executor",
            said.executor.as_ref().is_some_and(|to| to.name != "local"),
        ),
    ];
    let unkept = keys.into_iter().filter(|(_, is_said)| *is_said);
    unkept.map(|(key, _)| refusal(key, stage)).collect()
}

fn refusal(key: &str, stage: &StageSpec) -> Diagnostic {
    let message = format!("`{key}` of stage `{}` is not carried out yet", stage.name);
    Diagnostic::error(Code::Incomplete, message)
        .at(stage.span, "")
        .help("remove it")
}
