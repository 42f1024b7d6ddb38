//! `hpipe stage list`: the stages, in the file's order, and what they are for.

use hpipe_engine::{Selection, Untargeted};
use hpipe_spec::{OutKind, StageSpec};

use crate::args::StageList;
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui::{ListedStage, stages_table};

/// Lists the targets, or all stages.
pub(in crate::commands) fn list(session: &Session, arguments: &StageList) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let selection = Selection {
        untargeted: match arguments.all {
            true => Untargeted::Known,
            false => Untargeted::Nearest,
        },
        ..workspace.chosen(&arguments.targets)
    };
    let stages = workspace.plan(&selection)?.targets;
    let stages: Vec<_> = stages
        .into_iter()
        .map(|stage| workspace.stage(stage))
        .collect();
    let text = match (arguments.json, arguments.name_only) {
        (true, _) => json::stage_list(&stages),
        (_, true) => stages
            .iter()
            .map(|stage| format!("{}\n", stage.name))
            .collect(),
        _ => {
            let listed: Vec<_> = stages.iter().map(|stage| listed(stage)).collect();
            stages_table(&listed, session.ui.columns())
        }
    };
    session.ui.data(&text);
    Ok(Exit::Done)
}

fn listed(stage: &StageSpec) -> ListedStage {
    ListedStage {
        name: stage.name.clone(),
        is_frozen: stage.frozen,
        desc: stage.desc.clone().unwrap_or_else(|| described(stage)),
    }
}

/// What a stage without a description is for, in DVC's words.
fn described(stage: &StageSpec) -> String {
    let makes = |is_out: bool| {
        let outs = stage
            .outs
            .iter()
            .filter(move |out| (out.kind == OutKind::Out) == is_out);
        joined(outs.map(|out| out.path.as_str()))
    };
    let reads = || joined(stage.deps.iter().map(|dep| dep.path.as_str()));
    match (makes(true), makes(false)) {
        (None, None) => match reads() {
            Some(deps) => format!("Depends on {deps}"),
            None => "No outputs or dependencies".to_owned(),
        },
        (Some(outs), None) => format!("Outputs {outs}"),
        (None, Some(reports)) => format!("Reports {reports}"),
        (Some(outs), Some(reports)) => format!("Outputs {outs}; Reports {reports}"),
    }
}

fn joined<'a>(paths: impl Iterator<Item = &'a str>) -> Option<String> {
    let paths: Vec<_> = paths.collect();
    (!paths.is_empty()).then(|| paths.join(", "))
}
