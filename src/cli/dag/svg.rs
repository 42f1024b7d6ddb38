//! The graph as a picture: one self-contained SVG file that follows the reader's light or dark theme.
//!
//! Boxes say their state in words and by a sign, so that colour never carries meaning alone. Texts are set in the
//! reader's system font; how wide they will be is estimated ([`letters`]) with some room to spare.

mod letters;
mod paint;

use super::layout::{Layout, Metrics};
use super::{Graph, Node};
use crate::state::State;

/// Height of a box, in pixels like everything here.
const BOX: f64 = 46.0;
/// Room between ranks, for the lines.
const RANK_GAP: f64 = 54.0;
/// Room between boxes of a rank.
const GAP: f64 = 30.0;
/// Room around the drawing.
const MARGIN: f64 = 32.0;
/// Room between a group's boxes and its frame.
const FRAME: f64 = 13.0;
/// Height of the legend.
const LEGEND: f64 = 40.0;
/// Length of an arrow head.
const ARROW: f64 = 7.0;

/// Draws the graph as a complete SVG document.
pub(crate) fn to_svg(graph: &Graph) -> String {
    let picture = Picture::new(graph);
    let (width, height) = picture.size();
    let mut lines = vec![format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-label="The stages of the pipeline and what they need">"#
    )];
    lines.push(format!("<style>{}</style>", paint::STYLE));
    lines.push(format!(
        r#"<rect class="card" x="0.5" y="0.5" width="{}" height="{}" rx="12"/>"#,
        width - 1.0,
        height - 1.0
    ));
    lines.extend(picture.frames());
    lines.extend(picture.edges());
    lines.extend(picture.boxes());
    lines.extend(picture.legend());
    lines.push("</svg>\n".to_owned());
    lines.join("\n")
}

/// A graph with its places in pixels.
struct Picture<'a> {
    graph: &'a Graph,
    layout: Layout,
    /// The states the legend explains; none when all boxes say the same.
    legend: Vec<State>,
    /// Where the leftmost box begins.
    left: f64,
}

impl<'a> Picture<'a> {
    fn new(graph: &'a Graph) -> Self {
        let metrics = Metrics {
            widths: graph.nodes().iter().map(box_width).collect(),
            bend_width: 10.0,
            gap: GAP,
        };
        let layout = Layout::new(graph, &metrics);
        let mut legend = graph.legend();
        if legend.len() < 2 {
            legend.clear();
        }
        let spare = (legend_width(&legend) - layout.width()).max(0.0);
        Self {
            graph,
            layout,
            legend,
            left: MARGIN + spare / 2.0,
        }
    }

    fn size(&self) -> (f64, f64) {
        let ranks = self.layout.ranks.len() as f64;
        let drawing = (ranks * (BOX + RANK_GAP) - RANK_GAP).max(0.0);
        let legend = if self.legend.is_empty() { 0.0 } else { LEGEND };
        let width = self.layout.width().max(legend_width(&self.legend));
        (
            (width + 2.0 * MARGIN).ceil(),
            (drawing + legend + 2.0 * MARGIN).ceil(),
        )
    }

    /// The middle of an item.
    fn x(&self, item: usize) -> f64 {
        self.left + self.layout.items[item].center
    }

    /// The upper edge of an item.
    fn top(&self, item: usize) -> f64 {
        MARGIN + self.layout.items[item].rank as f64 * (BOX + RANK_GAP)
    }

    fn boxes(&self) -> impl Iterator<Item = String> {
        self.graph
            .nodes()
            .iter()
            .enumerate()
            .map(|(item, node)| self.boxed(item, node))
    }

    fn boxed(&self, item: usize, node: &Node) -> String {
        let width = self.layout.items[item].width;
        let (x, y) = (px(self.x(item) - width / 2.0), px(self.top(item)));
        format!(
            r#"<g class="{}" transform="translate({x} {y})"><title>{}</title><rect class="box" width="{}" height="{BOX}" rx="10"/>{}</g>"#,
            class(node.state),
            title(node),
            px(width),
            inside(node, width),
        )
    }

    /// A dashed frame around each group that stands side by side.
    fn frames(&self) -> Vec<String> {
        let groups = self.graph.groups();
        let frames = groups
            .iter()
            .filter_map(|(name, members)| self.frame(name, members));
        frames.collect()
    }

    fn frame(&self, name: &str, members: &[usize]) -> Option<String> {
        let rank = self.layout.items[members[0]].rank;
        let row = &self.layout.ranks[rank];
        let places: Vec<_> = (0..row.len())
            .filter(|&place| members.binary_search(&row[place]).is_ok())
            .collect();
        let (first, last) = (*places.first()?, *places.last()?);
        if places.len() < members.len() || last - first + 1 > members.len() {
            return None;
        }
        let end = &self.layout.items[row[last]];
        let left = self.x(row[first]) - self.layout.items[row[first]].width / 2.0 - FRAME;
        let right = self.x(row[last]) + end.width / 2.0 + FRAME;
        let top = self.top(row[first]) - FRAME;
        Some(format!(
            r#"<rect class="frame" x="{}" y="{}" width="{}" height="{}" rx="16"/><text class="group" x="{}" y="{}">{}</text>"#,
            px(left),
            px(top),
            px(right - left),
            px(BOX + 2.0 * FRAME),
            px(left + 10.0),
            px(top - 6.0),
            escaped(name),
        ))
    }

    fn edges(&self) -> Vec<String> {
        let pieces = self.layout.segments.iter().chain(&self.layout.straight);
        let mut paths: Vec<_> = pieces.map(|&(from, to)| self.curve(from, to)).collect();
        paths.extend(self.bends());
        let mut arrows: Vec<_> = self.graph.edges().iter().map(|&(_, to)| to).collect();
        arrows.sort_unstable();
        arrows.dedup();
        paths.extend(arrows.into_iter().map(|item| self.arrow(item)));
        paths
    }

    /// A piece of an edge, leaving and arriving vertically.
    fn curve(&self, from: usize, to: usize) -> String {
        let (x1, y1) = (self.x(from), self.top(from) + BOX);
        let head = if self.layout.items[to].is_bend {
            0.0
        } else {
            ARROW
        };
        let (x2, y2) = (self.x(to), self.top(to) - head);
        let pull = (y2 - y1) * 0.5;
        format!(
            r#"<path class="edge" d="M{} {}C{} {} {} {} {} {}"/>"#,
            px(x1),
            px(y1),
            px(x1),
            px(y1 + pull),
            px(x2),
            px(y2 - pull),
            px(x2),
            px(y2),
        )
    }

    /// Edges going straight down past the boxes of a rank.
    fn bends(&self) -> impl Iterator<Item = String> {
        let bends = (0..self.layout.items.len()).filter(|&item| self.layout.items[item].is_bend);
        bends.map(|item| {
            let (x, y) = (px(self.x(item)), px(self.top(item)));
            format!(r#"<path class="edge" d="M{x} {y}v{BOX}"/>"#)
        })
    }

    fn arrow(&self, item: usize) -> String {
        let (x, y) = (px(self.x(item)), px(self.top(item) - 1.0));
        format!(r#"<path class="head" d="M{x} {y}l-4.5 -{ARROW}h9z"/>"#)
    }

    fn legend(&self) -> Vec<String> {
        let (width, height) = self.size();
        let mut x = (width - legend_width(&self.legend)) / 2.0;
        let y = px(height - MARGIN + 2.0);
        let entry = |state| {
            let text = format!(
                r#"<g class="{}" transform="translate({} {y})"><g transform="translate(9 0) scale(0.85)">{}</g><text class="word" x="23" y="4">{}</text></g>"#,
                class(state),
                px(x),
                paint::sign(state),
                state.words(),
            );
            x += legend_entry_width(state);
            text
        };
        self.legend.iter().copied().map(entry).collect()
    }
}

/// What a pointer that rests on a box is told.
fn title(node: &Node) -> String {
    let name = escaped(&node.name);
    match node.state {
        State::Unknown => name,
        state => format!("{name}: {}", state.words()),
    }
}

/// What a box shows: sign, name and state, or the name alone in its middle.
fn inside(node: &Node, width: f64) -> String {
    let name = escaped(&node.name);
    match node.state {
        State::Unknown => format!(
            r#"<text class="name" x="{}" y="28" text-anchor="middle">{name}</text>"#,
            px(width / 2.0)
        ),
        state => format!(
            r#"<g transform="translate(22 23)">{}</g><text class="name" x="40" y="20">{name}</text><text class="word" x="40" y="36">{}</text>"#,
            paint::sign(state),
            state.words(),
        ),
    }
}

fn box_width(node: &Node) -> f64 {
    let name = letters::width(&node.name, 14.0);
    match node.state.mark() {
        None => (name + 32.0).max(64.0),
        Some(_) => name.max(letters::width(node.state.words(), 11.5)) + 40.0 + 18.0,
    }
}

fn legend_width(states: &[State]) -> f64 {
    states.iter().copied().map(legend_entry_width).sum()
}

fn legend_entry_width(state: State) -> f64 {
    letters::width(state.words(), 11.5) + 23.0 + 20.0
}

/// The class that colours a state.
const fn class(state: State) -> &'static str {
    state.name()
}

/// A coordinate to a tenth of a pixel.
fn px(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// A text as XML has it; characters XML cannot say become `�`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dag::example;

    /// The drawing without its style sheet.
    fn draw(graph: &Graph) -> String {
        let svg = to_svg(graph);
        let (head, rest) = svg.split_once("<style>").expect("there is a style sheet");
        let (_, tail) = rest.split_once("</style>\n").expect("it ends");
        format!("{head}{tail}")
    }

    #[test]
    fn draws_boxes_and_lines() {
        let nodes = [("a", State::UpToDate), ("b", State::Stale)];
        insta::assert_snapshot!(draw(&example::graph(&nodes, &[("a", "b")])), @r#"
        <svg xmlns="http://www.w3.org/2000/svg" width="242" height="250" viewBox="0 0 242 250" role="img" aria-label="The stages of the pipeline and what they need">
        <rect class="card" x="0.5" y="0.5" width="241" height="249" rx="12"/>
        <path class="edge" d="M120.9 78C120.9 101.5 120.9 101.5 120.9 125"/>
        <path class="head" d="M120.9 131l-4.5 -7h9z"/>
        <g class="up_to_date" transform="translate(61.3 32)"><title>a: up to date</title><rect class="box" width="119.2" height="46" rx="10"/><g transform="translate(22 23)"><path class="sign" d="M-6 .5L-2 4.5L6.5 -4.5"/></g><text class="name" x="40" y="20">a</text><text class="word" x="40" y="36">up to date</text></g>
        <g class="stale" transform="translate(76.6 132)"><title>b: stale</title><rect class="box" width="88.6" height="46" rx="10"/><g transform="translate(22 23)"><circle class="sign" r="6.5"/><circle class="core" r="3"/></g><text class="name" x="40" y="20">b</text><text class="word" x="40" y="36">stale</text></g>
        <g class="up_to_date" transform="translate(32.1 220)"><g transform="translate(9 0) scale(0.85)"><path class="sign" d="M-6 .5L-2 4.5L6.5 -4.5"/></g><text class="word" x="23" y="4">up to date</text></g>
        <g class="stale" transform="translate(136.3 220)"><g transform="translate(9 0) scale(0.85)"><circle class="sign" r="6.5"/><circle class="core" r="3"/></g><text class="word" x="23" y="4">stale</text></g>
        </svg>
        "#);
    }

    #[test]
    fn a_group_side_by_side_has_a_frame() {
        assert_eq!(
            draw(&example::housing()).matches("class=\"frame\"").count(),
            1
        );
        let nodes = [("t@1", State::Stale), ("t@2", State::Stale)];
        assert_eq!(
            draw(&example::graph(&nodes, &[("t@1", "t@2")]))
                .matches("class=\"frame\"")
                .count(),
            0
        );
    }

    #[test]
    fn names_are_escaped() {
        let graph = example::graph(&[("<a & \"b\">\u{7}", State::Unknown)], &[]);
        assert!(draw(&graph).contains("&lt;a &amp; &quot;b&quot;&gt;\u{fffd}"));
    }

    #[test]
    fn nothing_is_drawn_as_an_empty_card() {
        insta::assert_snapshot!(draw(&Graph::default()), @r#"
        <svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64" role="img" aria-label="The stages of the pipeline and what they need">
        <rect class="card" x="0.5" y="0.5" width="63" height="63" rx="12"/>
        </svg>
        "#);
    }
}
