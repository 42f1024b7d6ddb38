//! `hpipe dag`: draws the graph of stages.

use std::collections::HashMap;

use hpipe_core::ProjectPath;
use hpipe_engine::{Selection, StageIndex, Untargeted, Workspace, survey};
use hpipe_spec::StageSpec;

use super::tell_faults;
use crate::args::Dag;
use crate::dag::{
    Graph, Node, TextOptions, to_dot, to_html, to_markdown, to_mermaid, to_svg, to_text,
};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::state::State;

/// Draws the targets and what they need, or everything.
pub(super) fn dag(session: &Session, arguments: &Dag) -> Result<Exit, Error> {
    let workspace = session.open()?;
    let location = workspace.location();
    let mut selection = arguments.choosing.selection(location, Untargeted::Known);
    selection.pipeline |= arguments.full;
    let form = &arguments.form;
    let states = if form.json {
        HashMap::new()
    } else {
        states(session, &workspace, &selection)?
    };
    session.tell_warnings(&workspace);
    let mut stages = workspace.plan(&selection)?.order;
    stages.sort();
    let graph = match arguments.outs {
        true => of_outs(&workspace, &stages, &states),
        false => of_stages(&workspace, &stages, &states),
    };
    let drawing = match form {
        _ if form.json => json::dag(&graph),
        _ if form.dot => to_dot(&graph),
        _ if form.mermaid => to_mermaid(&graph),
        _ if form.md => to_markdown(&graph),
        _ if form.svg => to_svg(&graph),
        _ if form.html => to_html(&graph),
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
    session: &Session,
    workspace: &Workspace,
    selection: &Selection,
) -> Result<HashMap<StageIndex, State>, Error> {
    let surveyed = survey(workspace, selection, false)?;
    workspace.store().flush();
    tell_faults(session, &surveyed);
    Ok(surveyed
        .iter()
        .map(|one| (one.stage, State::of(one.outcome)))
        .collect())
}

/// The stages in the file's order, and the edges among them.
fn of_stages(
    workspace: &Workspace,
    stages: &[StageIndex],
    states: &HashMap<StageIndex, State>,
) -> Graph {
    let places = stages.iter().enumerate();
    let place: HashMap<_, _> = places.map(|(place, stage)| (*stage, place)).collect();
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
    Graph::new(nodes.collect(), edges)
}

/// The outs of the stages, and an edge from each out that a stage reads to each that it makes.
fn of_outs(
    workspace: &Workspace,
    stages: &[StageIndex],
    states: &HashMap<StageIndex, State>,
) -> Graph {
    let mut nodes = Vec::new();
    let mut places: HashMap<StageIndex, Vec<usize>> = HashMap::new();
    for stage in stages {
        for out in &workspace.stage(*stage).outs {
            places.entry(*stage).or_default().push(nodes.len());
            nodes.push(Node {
                name: out.path.to_string(),
                state: states.get(stage).copied().unwrap_or(State::Unknown),
                group: None,
            });
        }
    }
    let made = |stage: &StageIndex| places.get(stage).map(Vec::as_slice).unwrap_or_default();
    let mut edges = Vec::new();
    for stage in stages {
        for from in workspace.graph().needs(*stage) {
            let read = made(&from).iter().filter(|out| {
                let path = ProjectPath::new(&nodes[**out].name);
                reads(workspace.stage(*stage), &path)
            });
            edges.extend(read.flat_map(|from| made(stage).iter().map(|to| (*from, *to))));
        }
    }
    Graph::new(nodes, edges)
}

/// Whether a stage reads an out, a part of it, or a folder that holds it.
fn reads(stage: &StageSpec, out: &ProjectPath) -> bool {
    let deps = stage.deps.iter().map(|dep| &dep.path);
    let mut read = deps.chain(stage.params.iter().map(|param| &param.file));
    read.any(|path| path.is_within(out) || out.is_within(path))
}
