//! Where boxes and lines go: a layered drawing after Sugiyama, Tagawa and Toda (1981).
//!
//! 1. Each node gets a rank, below all it needs (longest path); what nothing feeds moves down to what it feeds.
//! 2. An edge over several ranks passes a *bend* in each rank between; edges of one node share their bends, so that a
//!    node many others need draws one trunk, and the number of bends stays small.
//! 3. Nodes are ordered within ranks by sweeps of the barycenter heuristic; the order with the fewest crossings wins.
//! 4. Nodes get places by sweeps that pull each to the middle of its neighbours, as far as the order and the gaps
//!    allow.
//!
//! Everything is deterministic: equal graphs give equal drawings. 10,000 nodes take well under a second.

mod order;
mod place;

use super::{Graph, acyclic_order, successors};

/// Sizes in the units of the drawing: character cells or pixels.
pub(super) struct Metrics {
    /// Width of each node of the graph.
    pub(super) widths: Vec<f64>,
    /// Width of a bend.
    pub(super) bend_width: f64,
    /// Room between neighbours in a rank.
    pub(super) gap: f64,
}

/// Bends a drawing may have; edges that would need more are drawn straight.
const BENDS_AT_MOST: usize = 200_000;

/// A graph whose nodes have places.
pub(super) struct Layout {
    /// Nodes and bends; the first ones are those of the graph, in its order.
    pub(super) items: Vec<Item>,
    /// Items of each rank from left to right, upper ranks first.
    pub(super) ranks: Vec<Vec<usize>>,
    /// Pieces of edges, from an item to one in the next rank, sorted and distinct.
    pub(super) segments: Vec<(usize, usize)>,
    /// Edges of the graph too many to give bends.
    pub(super) straight: Vec<(usize, usize)>,
}

/// A node, or a point that an edge passes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// The rank it lies in, the uppermost being 0.
    pub(super) rank: usize,
    /// Its middle.
    pub(super) center: f64,
    /// Its width.
    pub(super) width: f64,
    /// Whether it is a bend of an edge.
    pub(super) is_bend: bool,
}

impl Layout {
    /// Places the nodes of `graph`; the leftmost box begins at 0.
    pub(super) fn new(graph: &Graph, metrics: &Metrics) -> Self {
        let mut layout = Self::ranked(graph, metrics);
        order::minimise_crossings(&mut layout);
        place::place(&mut layout, metrics.gap);
        layout
    }

    /// The width of the drawing.
    pub(super) fn width(&self) -> f64 {
        let ends = self.items.iter().map(|item| item.center + item.width / 2.0);
        ends.fold(0.0, f64::max)
    }

    /// Ranks, bends and segments, in an order of first sight.
    fn ranked(graph: &Graph, metrics: &Metrics) -> Self {
        let ranks = ranks(graph);
        let items = ranks.iter().zip(&metrics.widths);
        let mut layout = Self {
            items: items
                .map(|(&rank, &width)| Item::node(rank, width))
                .collect(),
            ranks: Vec::new(),
            segments: Vec::new(),
            straight: Vec::new(),
        };
        let successors = successors(graph.nodes().len(), graph.edges());
        for (from, targets) in successors.iter().enumerate() {
            layout.route(from, targets, metrics.bend_width);
        }
        layout.segments.sort_unstable();
        layout.segments.dedup();
        layout.fill_ranks();
        layout
    }

    /// Leads the edges of one node to their targets, over bends that they share.
    fn route(&mut self, from: usize, targets: &[usize], bend_width: f64) {
        let first = self.items[from].rank;
        let last = targets
            .iter()
            .map(|&to| self.items[to].rank)
            .max()
            .unwrap_or(first);
        let needed = last.saturating_sub(first + 1);
        if self.items.len() + needed > BENDS_AT_MOST {
            self.straight.extend(targets.iter().map(|&to| (from, to)));
            return;
        }
        // The item that the trunk passes in each rank, from `first` on.
        let mut trunk = vec![from];
        for rank in first + 1..last {
            let above = trunk[trunk.len() - 1];
            self.items.push(Item::bend(rank, bend_width));
            trunk.push(self.items.len() - 1);
            self.segments.push((above, self.items.len() - 1));
        }
        for &to in targets {
            self.segments
                .push((trunk[self.items[to].rank - first - 1], to));
        }
    }

    fn fill_ranks(&mut self) {
        let ranks = self
            .items
            .iter()
            .map(|item| item.rank + 1)
            .max()
            .unwrap_or(0);
        self.ranks = vec![Vec::new(); ranks];
        for (i, item) in self.items.iter().enumerate() {
            self.ranks[item.rank].push(i);
        }
    }
}

impl Item {
    const fn node(rank: usize, width: f64) -> Self {
        Self {
            rank,
            center: 0.0,
            width,
            is_bend: false,
        }
    }

    const fn bend(rank: usize, width: f64) -> Self {
        Self {
            is_bend: true,
            ..Self::node(rank, width)
        }
    }

    /// Where it begins.
    pub(super) fn left(&self) -> f64 {
        self.center - self.width / 2.0
    }
}

/// The rank of each node.
fn ranks(graph: &Graph) -> Vec<usize> {
    let nodes = graph.nodes().len();
    let successors = successors(nodes, graph.edges());
    let places = acyclic_order(nodes, graph.edges());
    let mut order: Vec<_> = (0..nodes).collect();
    order.sort_unstable_by_key(|&node| places[node]);
    let mut ranks = vec![0; nodes];
    let mut is_fed = vec![false; nodes];
    for &node in &order {
        for &to in &successors[node] {
            ranks[to] = ranks[to].max(ranks[node] + 1);
            is_fed[to] = true;
        }
    }
    for node in (0..nodes).filter(|&node| !is_fed[node]) {
        let below = successors[node].iter().map(|&to| ranks[to]).min();
        ranks[node] = below.map_or(0, |rank| rank - 1);
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::Node;
    use crate::state::State;

    const GAP: f64 = 2.0;

    /// A graph of up to `nodes` nodes; the same for the same seed.
    fn random(seed: u64, nodes: usize) -> Graph {
        let mut state = seed;
        let mut below = |n: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n.max(1)
        };
        let nodes = 1 + below(nodes);
        let edges: Vec<_> = (1..nodes)
            .flat_map(|to| [(below(to), to), (below(to), to)])
            .collect();
        let node = |n: usize| Node {
            name: "x".repeat(1 + n % 9),
            state: State::Unknown,
            group: None,
        };
        Graph::new((0..nodes).map(node).collect(), edges)
    }

    fn layout(graph: &Graph) -> Layout {
        let widths = graph
            .nodes()
            .iter()
            .map(|node| node.name.len() as f64 + 4.0);
        Layout::new(
            graph,
            &Metrics {
                widths: widths.collect(),
                bend_width: 1.0,
                gap: GAP,
            },
        )
    }

    #[test]
    fn boxes_keep_apart_and_edges_go_down() {
        for seed in 0..300 {
            let layout = layout(&random(seed, 60));
            for row in &layout.ranks {
                for pair in row.windows(2) {
                    let (left, right) = (&layout.items[pair[0]], &layout.items[pair[1]]);
                    let room = right.left() - (left.left() + left.width);
                    assert!(room > GAP - 1e-6, "seed {seed}: {left:?} and {right:?}");
                }
            }
            for &(from, to) in &layout.segments {
                assert_eq!(
                    layout.items[from].rank + 1,
                    layout.items[to].rank,
                    "seed {seed}"
                );
            }
        }
    }

    #[test]
    fn every_edge_is_drawn_from_end_to_end() {
        for seed in 0..100 {
            let graph = random(seed, 40);
            let layout = layout(&graph);
            for &(from, to) in graph.edges() {
                assert!(leads(&layout, from, to), "seed {seed}: {from} to {to}");
            }
        }
    }

    /// Whether segments lead from a node to another over bends alone.
    fn leads(layout: &Layout, from: usize, to: usize) -> bool {
        let next = layout.segments.iter().filter(|segment| segment.0 == from);
        next.map(|segment| segment.1)
            .any(|item| item == to || layout.items[item].is_bend && leads(layout, item, to))
    }

    #[test]
    fn equal_graphs_give_equal_layouts() {
        let (one, other) = (layout(&random(7, 60)), layout(&random(7, 60)));
        assert_eq!(one.items, other.items);
    }

    #[test]
    fn what_nothing_feeds_stands_just_above_what_it_feeds() {
        let nodes = ["a", "b", "c", "side"].map(|name| (name, State::Unknown));
        let graph = crate::dag::example::graph(&nodes, &[("a", "b"), ("b", "c"), ("side", "c")]);
        assert_eq!(ranks(&graph), [0, 1, 2, 1]);
    }

    #[test]
    fn too_many_long_edges_are_drawn_straight() {
        let node = |_| Node {
            name: "x".to_owned(),
            state: State::Unknown,
            group: None,
        };
        let n = 1200;
        let chain = (1..n).map(|to| (to - 1, to));
        let graph = Graph::new(
            (0..n).map(node).collect(),
            chain.chain((0..n - 1).map(|from| (from, n - 1))),
        );
        let layout = layout(&graph);
        assert!(layout.items.len() <= BENDS_AT_MOST && !layout.straight.is_empty());
    }
}
