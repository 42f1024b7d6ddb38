//! Graphs that several tests draw.

use super::{Graph, Node};
use crate::state::State;

/// A graph from names with their states and edges between names.
pub(crate) fn graph(nodes: &[(&str, State)], edges: &[(&str, &str)]) -> Graph {
    let place = |name: &str| {
        let found = nodes.iter().position(|(node, _)| *node == name);
        found.expect("edges are between nodes")
    };
    let edges: Vec<_> = edges
        .iter()
        .map(|(from, to)| (place(from), place(to)))
        .collect();
    let node = |(name, state): &(&str, State)| Node {
        name: (*name).to_owned(),
        state: *state,
        group: name.split_once('@').map(|(group, _)| group.to_owned()),
    };
    Graph::new(nodes.iter().map(node).collect(), edges)
}

/// The graph of our own pipeline, with every state in it.
pub(crate) fn housing() -> Graph {
    graph(
        &[
            ("ingest", State::UpToDate),
            ("split", State::UpToDate),
            ("features", State::Stale),
            ("train@linear", State::MayBeStale),
            ("train@ridge", State::MayBeStale),
            ("train@lasso", State::MayBeStale),
            ("train@elastic_net", State::Frozen),
            ("evaluate", State::MayBeStale),
        ],
        &[
            ("ingest", "split"),
            ("split", "features"),
            ("features", "train@linear"),
            ("features", "train@ridge"),
            ("features", "train@lasso"),
            ("features", "train@elastic_net"),
            ("features", "evaluate"),
            ("train@linear", "evaluate"),
            ("train@ridge", "evaluate"),
            ("train@lasso", "evaluate"),
            ("train@elastic_net", "evaluate"),
        ],
    )
}
