//! The graph as boxes and lines of text, flowing downwards.
//!
//! ```text
//!       ╭──────────╮
//!       │ ✓ ingest │
//!       ╰────┬─────╯
//!      ╭─────┴──────╮
//!      ▼            ▼
//! ╭─────────╮ ╭────────────╮
//! │ ✓ split │ │ ● features │
//! ╰─────────╯ ╰────────────╯
//! ```
//!
//! A line that passes below another is interrupted (`─│─`); where lines of one origin part or meet they are joined. A
//! graph too wide for the columns there are is listed instead, a stage a line with those it needs.

mod canvas;
mod listing;
mod route;

use std::collections::{BTreeSet, HashMap};

use super::layout::{Layout, Metrics};
use super::{Graph, Node, successors};
use crate::state::State;
use crate::ui::style;
use canvas::Canvas;
use route::Channel;

/// How the text may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextOptions {
    /// Columns there are.
    pub columns: usize,
    /// Whether only ASCII may be drawn; names stay as they are.
    pub ascii: bool,
}

impl Default for TextOptions {
    /// Unicode on 120 columns.
    fn default() -> Self {
        Self {
            columns: 120,
            ascii: false,
        }
    }
}

/// Lines of a box.
const BOX_HEIGHT: usize = 3;

/// Lines entering a box that it is widened for.
const LINES_APART: usize = 12;

/// Blank columns between boxes.
const GAP: usize = 2;

/// Draws the graph, styled with ANSI sequences; below it the meaning of the signs that occur.
///
/// A graph wider than the columns of `options` is listed instead.
pub(crate) fn to_text(graph: &Graph, options: &TextOptions) -> String {
    let drawing = match Drawing::new(graph, options) {
        Some(drawing) => drawing.draw(),
        None => listing::list(graph, options),
    };
    let legend = legend(graph, options);
    match legend.is_empty() {
        true => drawing,
        false => format!("{drawing}\n{legend}\n"),
    }
}

/// A graph with its places in whole cells.
struct Drawing<'a> {
    graph: &'a Graph,
    layout: Layout,
    ascii: bool,
    /// First column of each item.
    lefts: Vec<usize>,
    /// The lines between each rank and the next.
    channels: Vec<Channel>,
}

impl<'a> Drawing<'a> {
    /// Places the graph; none if it is too wide, or too large to draw every line of it.
    fn new(graph: &'a Graph, options: &TextOptions) -> Option<Self> {
        let metrics = Metrics {
            widths: widths(graph, options.ascii)
                .into_iter()
                .map(|width| width as f64)
                .collect(),
            bend_width: 1.0,
            gap: GAP as f64,
        };
        let layout = Layout::new(graph, &metrics);
        let lefts = lefts(&layout);
        let rights = lefts
            .iter()
            .zip(&layout.items)
            .map(|(left, item)| left + item.width as usize);
        if rights.max()? > options.columns || !layout.straight.is_empty() {
            return None;
        }
        Some(Self {
            graph,
            channels: route::channels(&layout, &lefts),
            layout,
            lefts,
            ascii: options.ascii,
        })
    }

    fn draw(&self) -> String {
        let mut canvas = Canvas::new(self.ascii);
        let mut top = 0;
        for (rank, items) in self.layout.ranks.iter().enumerate() {
            items
                .iter()
                .for_each(|&item| self.draw_item(&mut canvas, item, top));
            top += BOX_HEIGHT;
            if let Some(channel) = self.channels.get(rank) {
                channel.draw(&mut canvas, top);
                top += channel.height();
            }
        }
        canvas.render()
    }

    fn draw_item(&self, canvas: &mut Canvas, item: usize, top: usize) {
        let left = self.lefts[item];
        match self.graph.nodes().get(item) {
            Some(node) => {
                let label = label(&node.name, node.state, self.ascii);
                let right = left + self.layout.items[item].width as usize - 1;
                canvas.boxed(top, (left, right), label, style::of_state(node.state));
            }
            None => (top..top + BOX_HEIGHT).for_each(|row| canvas.line(row, left, '│')),
        }
    }
}

/// The width of each node's box: room for its label, and for the lines that enter it apart from each other.
fn widths(graph: &Graph, ascii: bool) -> Vec<usize> {
    let successors = successors(graph.nodes().len(), graph.edges());
    let mut entering = vec![BTreeSet::new(); graph.nodes().len()];
    // Lines from nodes with equal targets are joined before they enter.
    let mut bundles = HashMap::new();
    for targets in &successors {
        let next = bundles.len();
        let bundle = *bundles.entry(targets).or_insert(next);
        targets
            .iter()
            .for_each(|&to| _ = entering[to].insert(bundle));
    }
    let width = |(node, entering): (&Node, &BTreeSet<_>)| {
        let label = label(&node.name, node.state, ascii);
        (label.width() + 4).max(2 * entering.len().min(LINES_APART) + 3)
    };
    graph.nodes().iter().zip(&entering).map(width).collect()
}

/// The first column of each item: the places of the layout in whole cells, still in order and apart.
fn lefts(layout: &Layout) -> Vec<usize> {
    let mut lefts = vec![0; layout.items.len()];
    for rank in &layout.ranks {
        let mut free = 0;
        for &item in rank {
            let left = layout.items[item].left().round().max(0.0) as usize;
            lefts[item] = left.max(free);
            free = lefts[item] + layout.items[item].width as usize + GAP;
        }
    }
    lefts
}

/// A sign and a name.
struct Label {
    mark: Option<char>,
    name: String,
}

impl Label {
    fn width(&self) -> usize {
        let mark = if self.mark.is_some() { 2 } else { 0 };
        mark + crate::ui::width(&self.name)
    }
}

fn label(name: &str, state: State, ascii: bool) -> Label {
    Label {
        mark: mark(state, ascii),
        name: crate::ui::one_line(name, 60),
    }
}

fn mark(state: State, ascii: bool) -> Option<char> {
    match (state, ascii) {
        (State::UpToDate, true) => Some('='),
        (State::Stale, true) => Some('!'),
        (State::MayBeStale, true) => Some('?'),
        (state, _) => state.mark(),
    }
}

/// `✓ up to date  ● stale`: the signs that occur, and what they mean.
fn legend(graph: &Graph, options: &TextOptions) -> String {
    let entry = |state: State| {
        let mark = mark(state, options.ascii)?;
        Some(style::paint(
            style::of_state(state),
            &format!("{mark} {}", state.words()),
        ))
    };
    let entries: Vec<_> = graph.legend().into_iter().filter_map(entry).collect();
    entries.join("   ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::example;

    fn draw(graph: &Graph, options: TextOptions) -> String {
        anstream::adapter::strip_str(&to_text(graph, &options)).to_string()
    }

    fn draw_edges(edges: &[(&str, &str)]) -> String {
        let names: BTreeSet<_> = edges.iter().flat_map(|&(from, to)| [from, to]).collect();
        let nodes: Vec<_> = names
            .into_iter()
            .map(|name| (name, State::Unknown))
            .collect();
        draw(&example::graph(&nodes, edges), TextOptions::default())
    }

    #[test]
    fn draws_our_own_pipeline() {
        let options = TextOptions {
            columns: 100,
            ascii: false,
        };
        insta::assert_snapshot!(draw(&example::housing(), options), @r"
                                         ╭──────────╮
                                         │ ✓ ingest │
                                         ╰─────┬────╯
                                               ▼
                                         ╭─────────╮
                                         │ ✓ split │
                                         ╰────┬────╯
                                              ▼
                                        ╭────────────╮
                                        │ ● features │
                                        ╰──────┬─────╯
                 ╭──────────────────┬──────────┴───────┬─────────────────────┬─────────────╮
                 ▼                  ▼                  ▼                     ▼             │
        ╭────────────────╮  ╭───────────────╮  ╭───────────────╮  ╭─────────────────────╮  │
        │ ○ train@linear │  │ ○ train@ridge │  │ ○ train@lasso │  │ * train@elastic_net │  │
        ╰────────┬───────╯  ╰───────┬───────╯  ╰───────┬───────╯  ╰──────────┬──────────╯  │
                 ╰──────────────────┴──────────┬───────┴─────────────────────┴─────────────╯
                                               ▼
                                        ╭────────────╮
                                        │ ○ evaluate │
                                        ╰────────────╯

        ✓ up to date   ● stale   ○ may be stale   * frozen
        ");
    }

    #[test]
    fn ascii_is_enough() {
        let nodes = [
            ("a", State::UpToDate),
            ("b", State::Stale),
            ("c", State::MayBeStale),
        ];
        let graph = example::graph(&nodes, &[("a", "b"), ("a", "c")]);
        let text = draw(
            &graph,
            TextOptions {
                columns: 80,
                ascii: true,
            },
        );
        assert!(text.is_ascii());
        insta::assert_snapshot!(text, @r"
             +-----+
             | = a |
             +--+--+
           +----+---+
           v        v
        +-----+  +-----+
        | ! b |  | ? c |
        +-----+  +-----+

        = up to date   ! stale   ? may be stale
        ");
    }

    #[test]
    fn lines_of_different_nets_pass_each_other() {
        let edges = [
            ("a", "x"),
            ("a", "y"),
            ("b", "x"),
            ("b", "z"),
            ("c", "x"),
            ("c", "y"),
            ("c", "z"),
        ];
        insta::assert_snapshot!(draw_edges(&edges), @r"
           ╭───╮  ╭───╮  ╭───╮
           │ a │  │ b │  │ c │
           ╰─┬─╯  ╰─┬─╯  ╰─┬─╯
          ╭──┴──────│╮     │
          │   ╭─────││─┬───┴────╮
          │ ╭─│─────┴│─│──────╮ │
          ▼ ▼ ▼      ▼ ▼      ▼ ▼
        ╭───────╮  ╭─────╮  ╭─────╮
        │   x   │  │  y  │  │  z  │
        ╰───────╯  ╰─────╯  ╰─────╯
        ");
    }

    #[test]
    fn long_edges_go_past_boxes() {
        insta::assert_snapshot!(draw_edges(&[("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("a", "c")]), @r"
        ╭───╮
        │ a │
        ╰─┬─╯
          ├────╮
          ▼    │
        ╭───╮  │
        │ b │  │
        ╰─┬─╯  │
          ╰──╮ ├────╮
             ▼ ▼    │
           ╭─────╮  │
           │  c  │  │
           ╰──┬──╯  │
              ├─────╯
              ▼
           ╭─────╮
           │  d  │
           ╰─────╯
        ");
    }

    #[test]
    fn what_is_too_wide_is_listed() {
        insta::assert_snapshot!(draw(&example::housing(), TextOptions { columns: 40, ascii: false }), @r"
        ✓ ingest
        ✓ split ← ingest
        ● features ← split
        ○ train@linear ← features
        ○ train@ridge ← features
        ○ train@lasso ← features
        * train@elastic_net ← features
        ○ evaluate ← features, train@linear, train@ridge, +2 more

        ✓ up to date   ● stale   ○ may be stale   * frozen
        ");
    }

    #[test]
    fn circles_and_nothing_at_all_are_survived() {
        assert_eq!(draw(&Graph::default(), TextOptions::default()), "");
        insta::assert_snapshot!(draw_edges(&[("a", "b"), ("b", "a"), ("a", "a")]), @r"
        ╭───╮
        │ a │
        ╰─┬─╯
          ▼
        ╭───╮
        │ b │
        ╰───╯
        ");
    }
}
