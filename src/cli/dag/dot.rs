//! The graph in Graphviz's language: `hpipe dag --dot | dot -Tsvg`.

use std::fmt::Write as _;

use super::{Graph, Node};
use crate::state::State;

/// Writes the graph as a digraph whose node names are the stage names.
pub(crate) fn to_dot(graph: &Graph) -> String {
    let mut text = String::from(HEADER);
    for line in clusters(graph).into_iter().chain(edges(graph)) {
        text.push_str(&line);
    }
    text.push_str("}\n");
    text
}

const HEADER: &str = "\
digraph pipeline {
    graph [rankdir=TB, ranksep=0.45, nodesep=0.3, fontname=\"Helvetica\"]
    node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", fontsize=11, margin=\"0.16,0.08\"]
    edge [color=\"#8c959f\", arrowsize=0.7]
";

/// The nodes: those of no group first, then each group in its cluster.
fn clusters(graph: &Graph) -> Vec<String> {
    let statement = |node: usize| statement(&graph.nodes()[node]);
    let mut lines: Vec<_> = graph
        .ungrouped()
        .map(|node| format!("    {}\n", statement(node)))
        .collect();
    for (nth, (group, members)) in graph.groups().into_iter().enumerate() {
        lines.push(format!("    subgraph cluster_{nth} {{\n"));
        lines.push(format!(
            "        label={}; style=\"rounded,dashed\"; color=\"#8c959f\"\n",
            quoted(group)
        ));
        lines.extend(
            members
                .into_iter()
                .map(|node| format!("        {}\n", statement(node))),
        );
        lines.push("    }\n".to_owned());
    }
    lines
}

fn edges(graph: &Graph) -> impl Iterator<Item = String> {
    let name = |node: usize| quoted(&graph.nodes()[node].name);
    graph
        .edges()
        .iter()
        .map(move |&(from, to)| format!("    {} -> {}\n", name(from), name(to)))
}

/// A node with its label, its colours, and its state in words as a tooltip.
fn statement(node: &Node) -> String {
    let mut label = node.name.clone();
    if let Some(mark) = node.state.mark() {
        label.insert_str(0, &format!("{mark} "));
    }
    let (fill, line) = colors(node.state);
    let mut text = quoted(&node.name);
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        " [label={}, fillcolor=\"{fill}\", color=\"{line}\", tooltip=\"{}\"]",
        quoted(&label),
        node.state.words()
    );
    text
}

const fn colors(state: State) -> (&'static str, &'static str) {
    match state {
        State::UpToDate => ("#dafbe1", "#2da44e"),
        State::Stale => ("#fff8c5", "#bf8700"),
        State::MayBeStale => ("#fbefff", "#8250df"),
        State::Frozen => ("#ddf4ff", "#0969da"),
        State::Unknown => ("#f6f8fa", "#57606a"),
    }
}

/// A quoted name: within quotes Graphviz knows only `\"`, and in labels `\\` and `\n`.
fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
