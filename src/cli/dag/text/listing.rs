//! The graph as a list, for graphs too large to draw: a stage a line, upstream first, with those it needs.

use super::{TextOptions, label};
use crate::dag::{Graph, acyclic_order};
use crate::ui::style;

/// Needed stages named on a line before the rest is only counted.
const NAMED: usize = 3;

/// Lists the stages, upstream first.
pub(super) fn list(graph: &Graph, options: &TextOptions) -> String {
    let places = acyclic_order(graph.nodes().len(), graph.edges());
    let mut order: Vec<_> = (0..places.len()).collect();
    order.sort_unstable_by_key(|&node| places[node]);
    let mut needs = vec![Vec::new(); places.len()];
    for &(from, to) in graph.edges() {
        needs[to].push(from);
    }
    let lines = order
        .into_iter()
        .map(|node| line(graph, node, &needs[node], options));
    lines.collect()
}

fn line(graph: &Graph, node: usize, needs: &[usize], options: &TextOptions) -> String {
    let shown = &graph.nodes()[node];
    let label = label(&shown.name, shown.state, options.ascii);
    let mark = label
        .mark
        .map(|mark| style::paint(style::of_state(shown.state), &format!("{mark} ")));
    let name = style::paint(style::NAME, &label.name);
    format!(
        "{}{name}{}\n",
        mark.unwrap_or_default(),
        needed(graph, needs, options.ascii)
    )
}

/// ` ← split, features, c, +2 more`
fn needed(graph: &Graph, needs: &[usize], ascii: bool) -> String {
    if needs.is_empty() {
        return String::new();
    }
    let mut names: Vec<_> = needs
        .iter()
        .take(NAMED)
        .map(|&node| graph.nodes()[node].name.clone())
        .collect();
    if needs.len() > NAMED {
        names.push(format!("+{} more", needs.len() - NAMED));
    }
    let arrow = if ascii { "<-" } else { "←" };
    style::paint(style::FAINT, &format!(" {arrow} {}", names.join(", ")))
}
