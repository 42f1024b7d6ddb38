//! `hpipe dag`: draws the graph of stages.

use std::collections::HashMap;

use hpipe_engine::{Selection, StageIndex, Untargeted, Workspace, survey};

use crate::args::Dag;
use crate::dag::{Graph, Node, TextOptions, to_dot, to_markdown, to_mermaid, to_svg, to_text};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::state::State;

/// Draws the targets and what they need, or everything.
pub(super) fn dag(session: &Session, arguments: &Dag) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let selection = arguments.choosing.selection(&workspace, Untargeted::Known);
    let form = &arguments.form;
    let states = if form.json {
        HashMap::new()
    } else {
        states(&workspace, &selection)?
    };
    session.tell_warnings(&workspace);
    let graph = graph(&workspace, &selection, &states)?;
    let drawing = match form {
        _ if form.json => json::dag(&graph),
        _ if form.dot => to_dot(&graph),
        _ if form.mermaid => to_mermaid(&graph),
        _ if form.md => to_markdown(&graph),
        _ if form.svg => to_svg(&graph),
        _ => {
            let defaults = TextOptions::default();
            let columns = session.ui.columns().unwrap_or(defaults.columns);
            to_text(
                &graph,
                &TextOptions {
                    columns,
                    ascii: form.ascii,
                },
            )
        }
    };
    session.ui.data(&drawing);
    Ok(Exit::Done)
}

fn states(
    workspace: &Workspace,
    selection: &Selection,
) -> Result<HashMap<StageIndex, State>, Error> {
    let surveyed = survey(workspace, selection, false)?;
    workspace.store().flush();
    Ok(surveyed
        .iter()
        .map(|one| (one.stage, State::of(one.outcome)))
        .collect())
}

/// The selected stages in the file's order, and the edges among them.
fn graph(
    workspace: &Workspace,
    selection: &Selection,
    states: &HashMap<StageIndex, State>,
) -> Result<Graph, Error> {
    let mut stages = workspace.plan(selection)?.order;
    stages.sort();
    let place: HashMap<_, _> = stages
        .iter()
        .enumerate()
        .map(|(place, stage)| (*stage, place))
        .collect();
    let nodes = stages.iter().map(|index| {
        let name = &workspace.stage(*index).name;
        Node {
            name: name.to_string(),
            state: states.get(index).copied().unwrap_or(State::Unknown),
            group: name.group().map(str::to_owned),
        }
    });
    let edges = workspace.graph().edges().into_iter();
    let edges = edges.filter_map(|(from, to)| Some((*place.get(&from)?, *place.get(&to)?)));
    Ok(Graph::new(nodes.collect(), edges))
}
