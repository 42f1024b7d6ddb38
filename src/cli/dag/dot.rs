//! The graph in Graphviz's language: `hpipe dag --dot | dot -Tsvg`.

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
    let name = quoted(&node.name);
    let (fill, line) = colors(node.state);
    match node.state.mark() {
        None => format!("{name} [fillcolor=\"{fill}\", color=\"{line}\"]"),
        Some(mark) => format!(
            "{name} [label={}, fillcolor=\"{fill}\", color=\"{line}\", tooltip=\"{}\"]",
            quoted(&format!("{mark} {}", node.name)),
            node.state.words(),
        ),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::example;

    #[test]
    fn draws_our_own_pipeline() {
        insta::assert_snapshot!(to_dot(&example::housing()), @r##"
        digraph pipeline {
            graph [rankdir=TB, ranksep=0.45, nodesep=0.3, fontname="Helvetica"]
            node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, margin="0.16,0.08"]
            edge [color="#8c959f", arrowsize=0.7]
            "ingest" [label="✓ ingest", fillcolor="#dafbe1", color="#2da44e", tooltip="up to date"]
            "split" [label="✓ split", fillcolor="#dafbe1", color="#2da44e", tooltip="up to date"]
            "features" [label="● features", fillcolor="#fff8c5", color="#bf8700", tooltip="stale"]
            "evaluate" [label="○ evaluate", fillcolor="#fbefff", color="#8250df", tooltip="may be stale"]
            subgraph cluster_0 {
                label="train"; style="rounded,dashed"; color="#8c959f"
                "train@linear" [label="○ train@linear", fillcolor="#fbefff", color="#8250df", tooltip="may be stale"]
                "train@ridge" [label="○ train@ridge", fillcolor="#fbefff", color="#8250df", tooltip="may be stale"]
                "train@lasso" [label="○ train@lasso", fillcolor="#fbefff", color="#8250df", tooltip="may be stale"]
                "train@elastic_net" [label="* train@elastic_net", fillcolor="#ddf4ff", color="#0969da", tooltip="frozen"]
            }
            "ingest" -> "split"
            "split" -> "features"
            "features" -> "train@linear"
            "features" -> "train@ridge"
            "features" -> "train@lasso"
            "features" -> "train@elastic_net"
            "features" -> "evaluate"
            "train@linear" -> "evaluate"
            "train@ridge" -> "evaluate"
            "train@lasso" -> "evaluate"
            "train@elastic_net" -> "evaluate"
        }
        "##);
    }

    #[test]
    fn quotes_and_backslashes_are_escaped() {
        let graph = example::graph(
            &[("a \"b\" \\", State::Unknown), ("ü/表", State::Stale)],
            &[],
        );
        insta::assert_snapshot!(to_dot(&graph), @r##"
        digraph pipeline {
            graph [rankdir=TB, ranksep=0.45, nodesep=0.3, fontname="Helvetica"]
            node [shape=box, style="rounded,filled", fontname="Helvetica", fontsize=11, margin="0.16,0.08"]
            edge [color="#8c959f", arrowsize=0.7]
            "a \"b\" \\" [fillcolor="#f6f8fa", color="#57606a"]
            "ü/表" [label="● ü/表", fillcolor="#fff8c5", color="#bf8700", tooltip="stale"]
        }
        "##);
    }
}
