//! The legend: what lines, shapes, fills and colours mean, in one or more rows above the panels.

use crate::canvas::{Anchor, Canvas, Path, Rect};
use crate::chart::Chart;
use crate::colour::{Ramp, Tone};
use crate::draw::{dash_attribute, draw_filled, shape_path};
use crate::font::{Weight, shortened, text_width};
use crate::mark::{Colours, Dash, Fill, Mark, RuleAt, Shape};
use crate::theme::TEXT;

/// Height of a row.
const ROW: f64 = 20.0;
/// Width of a symbol with the gap after it.
const SYMBOL: f64 = 26.0;
/// Pixels between entries.
const BETWEEN: f64 = 18.0;
/// Width of a colour bar.
const BAR: f64 = 112.0;

/// What a legend entry shows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Symbol {
    Line(Tone, Dash, bool),
    Shape(Tone, Shape),
    Fill(Tone, Fill),
    Band(Tone),
    Rule(Dash),
    /// Colours with the words at their ends.
    Bar(Vec<Tone>, (String, String)),
}

/// Entries, in the order of the marks.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Legend {
    entries: Vec<(Symbol, String)>,
}

impl Legend {
    /// Adds an entry, unless it is there.
    pub(crate) fn add(&mut self, symbol: Symbol, name: &str) {
        if !self
            .entries
            .iter()
            .any(|(known, label)| *known == symbol && label == name)
        {
            self.entries.push((symbol, name.to_owned()));
        }
    }

    /// Adds the colour bar of a ramp, with `ends` instead of its numbers if there are.
    pub(crate) fn add_ramp(&mut self, ramp: &Ramp, ends: Option<(String, String)>) {
        let ends = ends.unwrap_or_else(|| ramp.ends());
        self.add(Symbol::Bar(ramp.tones(), ends), &ramp.label);
    }

    /// The height of its rows in this width.
    pub(crate) fn height(&self, width: f64) -> f64 {
        let rows = self.places(width).last().map_or(0, |(_, row)| row + 1);
        if rows == 0 {
            0.0
        } else {
            rows as f64 * ROW + 8.0
        }
    }

    /// For each entry where it begins, and in which row.
    fn places(&self, width: f64) -> Vec<(f64, usize)> {
        let (mut left, mut row) = (0.0, 0);
        let mut places = Vec::new();
        for (symbol, name) in &self.entries {
            let own = entry_width(symbol, name, width);
            if left > 0.0 && left + own > width {
                (left, row) = (0.0, row + 1);
            }
            places.push((left, row));
            left += own + BETWEEN;
        }
        places
    }

    /// Draws it with its upper left corner at `(left, top)`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, (left, top): (f64, f64), width: f64) {
        for ((symbol, name), (across, row)) in self.entries.iter().zip(self.places(width)) {
            let (x, y) = (left + across, top + row as f64 * ROW + ROW / 2.0);
            let text = draw_symbol(canvas, symbol, (x, y), name);
            let name = shortened(name, TEXT, width - (text - x));
            canvas.text("p-ink", (text, y + 4.0), Anchor::Start, &name);
        }
    }
}

fn entry_width(symbol: &Symbol, name: &str, most: f64) -> f64 {
    let symbol = match symbol {
        Symbol::Bar(_, (low, high)) => bar_width(low, high) + 8.0,
        _ => SYMBOL,
    };
    (symbol + text_width(name, TEXT, Weight::Regular)).min(most)
}

fn bar_width(low: &str, high: &str) -> f64 {
    BAR + 12.0 + text_width(low, TEXT, Weight::Regular) + text_width(high, TEXT, Weight::Regular)
}

/// Draws a symbol around the height `y`; where its name begins.
fn draw_symbol(canvas: &mut Canvas, symbol: &Symbol, (x, y): (f64, f64), name: &str) -> f64 {
    let square = Rect {
        left: x + 2.0,
        top: y - 6.0,
        right: x + 18.0,
        bottom: y + 6.0,
    };
    match symbol {
        Symbol::Line(tone, dash, is_thin) => {
            let mut path = Path::default();
            path.to((x, y)).to((x + 20.0, y));
            let weight = if *is_thin { "p-hair" } else { "p-line" };
            canvas.path_with(
                &format!("{weight} {}", tone.class()),
                path,
                dash_attribute(*dash),
                None,
            );
        }
        Symbol::Rule(dash) => {
            let mut path = Path::default();
            path.to((x, y)).to((x + 20.0, y));
            canvas.path_with("p-thin p-mute-line", path, dash_attribute(*dash), None);
        }
        Symbol::Shape(tone, shape) => {
            let mut path = Path::default();
            shape_path(&mut path, *shape, (x + 10.0, y), 4.0);
            let class = crate::draw::shape_class(*shape);
            canvas.path(&format!("{class} {}", tone.class()), path, None);
        }
        Symbol::Fill(tone, fill) => draw_filled(canvas, square, *tone, *fill, None),
        Symbol::Band(tone) => canvas.rect(&format!("p-band {}", tone.class()), square, None),
        Symbol::Bar(tones, ends) => return draw_bar(canvas, tones, ends, (x, y), name),
    }
    x + SYMBOL
}

fn draw_bar(
    canvas: &mut Canvas,
    tones: &[Tone],
    (low, high): &(String, String),
    (x, y): (f64, f64),
    name: &str,
) -> f64 {
    canvas.text("p-mute", (x, y + 4.0), Anchor::Start, low);
    let left = x + text_width(low, TEXT, Weight::Regular) + 6.0;
    let step = BAR / tones.len() as f64;
    for (place, tone) in tones.iter().enumerate() {
        let begin = left + place as f64 * step;
        let rect = Rect {
            left: begin,
            top: y - 5.0,
            right: begin + step + 0.3,
            bottom: y + 5.0,
        };
        canvas.rect(
            &format!("p-fill {}", tone.class()),
            rect,
            (place == 0).then_some(name),
        );
    }
    canvas.text("p-mute", (left + BAR + 6.0, y + 4.0), Anchor::Start, high);
    x + bar_width(low, high) + 8.0
}

/// The legend of charts: one entry a named mark, one colour bar a ramp.
///
/// `density` is the range of the colour bar of densities; before it is known, a bar of the same height stands for it.
pub(crate) fn legend_of(charts: &[Chart], density: Option<(f64, f64)>) -> Legend {
    let mut legend = Legend::default();
    for mark in charts.iter().flat_map(|chart| &chart.marks) {
        add_mark(&mut legend, mark, density);
    }
    legend
}

fn add_mark(legend: &mut Legend, mark: &Mark, density: Option<(f64, f64)>) {
    match mark {
        Mark::Points(points) => {
            if let (Some(name), Colours::One(tone)) = (&points.name, &points.colours) {
                legend.add(Symbol::Shape(*tone, points.shape), name);
            }
            match &points.colours {
                Colours::Values(_, ramp) => legend.add_ramp(ramp, None),
                Colours::Density if !points.places.is_empty() => legend.add_ramp(
                    &crate::draw::density_ramp(density.unwrap_or((1.0, 1000.0))),
                    None,
                ),
                _ => {}
            }
        }
        Mark::Line(line) => {
            if let Some(name) = &line.name {
                legend.add(Symbol::Line(line.tone, line.dash, line.is_thin), name);
            }
        }
        Mark::Band(band) => {
            if let Some(name) = &band.name {
                legend.add(Symbol::Band(band.tone), name);
            }
        }
        Mark::Bars(bars) => {
            if let Some(name) = &bars.name {
                legend.add(Symbol::Fill(bars.tone, bars.fill), name);
            }
        }
        Mark::Cells(cells) if !cells.cells.is_empty() => legend.add_ramp(&cells.ramp, None),
        Mark::Swarm(swarm) => legend.add_ramp(&swarm.ramp, Some(swarm.ends.clone())),
        Mark::Rule(rule) if matches!(rule.at, RuleAt::Slope { .. }) && !rule.label.is_empty() => {
            legend.add(Symbol::Rule(rule.dash), &rule.label);
        }
        Mark::Cells(_) | Mark::Note(_) | Mark::Rule(_) | Mark::ErrorBars(_) => {}
    }
}
