//! The graph of a pipeline, drawn: what `hpipe dag` prints.
//!
//! [`Graph`] is all a drawing needs. [`layout`] places boxes and lines in units of the caller's choice and is shared by
//! the two drawings that need places, [`text`] (character cells) and [`svg`] (pixels); [`dot`] and [`mermaid`] leave the
//! placing to Graphviz and Mermaid; [`html`] puts the picture on a page to move about in.
//!
//! Deliberately does not know pipelines, disk or terminal: it draws names, states and edges.

mod dot;
mod html;
mod layout;
mod mermaid;
mod svg;
mod text;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use dot::to_dot;
pub(crate) use html::to_html;
pub(crate) use mermaid::{to_markdown, to_mermaid};
pub(crate) use svg::to_svg;
pub(crate) use text::{TextOptions, to_text};

use crate::state::State;

#[cfg(test)]
pub(crate) mod example;

/// Stages and which needs which: what a drawing shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    edges: Vec<(usize, usize)>,
}

/// A stage in a drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Node {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// The group it is an instance of: `train` for `train@ridge`.
    pub group: Option<String>,
}

impl Graph {
    /// A graph of `nodes`, and `edges` from the node that makes to the node that needs, as indices into them.
    ///
    /// Edges said twice count once. Edges that name no node, and of each circle those that would close it, are left out:
    /// the engine refuses circles with a message of its own, a drawing must only not fall over them.
    pub(crate) fn new(nodes: Vec<Node>, edges: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let known = |node: &usize| *node < nodes.len();
        let edges: BTreeSet<_> = edges
            .into_iter()
            .filter(|(from, to)| known(from) && known(to) && from != to)
            .collect();
        let edges: Vec<_> = edges.into_iter().collect();
        let rank = acyclic_order(nodes.len(), &edges);
        let downward = |&(from, to): &(usize, usize)| rank[from] < rank[to];
        Self {
            edges: edges.into_iter().filter(downward).collect(),
            nodes,
        }
    }

    /// The stages, in the order given.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// From the node that makes to the node that needs, sorted, as indices into [`nodes`](Self::nodes).
    pub(crate) fn edges(&self) -> &[(usize, usize)] {
        &self.edges
    }

    /// The members of each group that has at least two, by the group's name.
    fn groups(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, node) in self.nodes.iter().enumerate() {
            if let Some(group) = &node.group {
                groups.entry(group).or_default().push(i);
            }
        }
        groups.retain(|_, members| members.len() > 1);
        groups
    }

    /// The nodes outside of [`groups`](Self::groups), in order.
    fn ungrouped(&self) -> impl Iterator<Item = usize> {
        let mut is_member = vec![false; self.nodes.len()];
        for member in self.groups().into_values().flatten() {
            is_member[member] = true;
        }
        (0..self.nodes.len()).filter(move |&node| !is_member[node])
    }

    /// The states that occur and have a sign, for a legend.
    fn legend(&self) -> Vec<State> {
        let occurs = |state: &State| self.nodes.iter().any(|node| node.state == *state);
        let states = State::ALL
            .into_iter()
            .filter(|state| state.mark().is_some());
        states.filter(occurs).collect()
    }
}

/// The targets of each node's edges, in order.
fn successors(nodes: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut successors = vec![Vec::new(); nodes];
    for &(from, to) in edges {
        successors[from].push(to);
    }
    successors
}

/// A place for each node in an order where edges lead forward, all of them if there is no circle.
///
/// Nodes that depend on a circle come last, in the order given.
fn acyclic_order(nodes: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let successors = successors(nodes, edges);
    let mut missing = vec![0_usize; nodes];
    for &(_, to) in edges {
        missing[to] += 1;
    }
    let mut order: Vec<_> = (0..nodes).filter(|&node| missing[node] == 0).collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &to in &successors[node] {
            missing[to] -= 1;
            if missing[to] == 0 {
                order.push(to);
            }
        }
    }
    order.extend((0..nodes).filter(|&node| missing[node] > 0));
    let mut rank = vec![0; nodes];
    for (place, node) in order.into_iter().enumerate() {
        rank[node] = place;
    }
    rank
}
