//! Draws marks into the frame of a chart, and keeps count of what could not be shown.

mod bars;
mod density;
mod lines;
mod points;
mod swarm;

use crate::canvas::{Anchor, Canvas};
use crate::font::{Weight, text_width};
use crate::layout::Frame;
use crate::mark::{Mark, Note, Points, Rule, RuleAt};
use crate::number::fixed;
use crate::scale::Spread;
use crate::theme::SMALL;

pub(crate) use bars::draw_filled;
pub(crate) use density::density_ramp;
pub(crate) use lines::dash_attribute;
pub(crate) use points::{shape_class, shape_path};

/// What the caption has to say of what is not seen.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Notes {
    /// Values that are NaN or infinite.
    pub(crate) not_finite: usize,
    /// Finite values that have no logarithm.
    pub(crate) not_positive: usize,
    /// Values beyond the fixed ends of an axis.
    pub(crate) outside: usize,
    /// `(points, dots that stand for them)`.
    pub(crate) thinned: (usize, usize),
    /// Most and least points a dot of a density stands for, for the colour bar.
    pub(crate) density: Option<(f64, f64)>,
}

impl Notes {
    /// Where `(x, y)` stands; none, and counted, when it cannot be shown.
    pub(crate) fn place(&mut self, frame: &Frame, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        if !x.is_finite() || !y.is_finite() {
            self.not_finite += 1;
            return None;
        }
        let Some(place) = frame.x.place(x).zip(frame.y.place(y)) else {
            self.not_positive += 1;
            return None;
        };
        if !frame.x.holds(x) || !frame.y.holds(y) {
            self.outside += 1;
            return None;
        }
        Some(place)
    }

    /// Counts the points of marks that no axis can show.
    pub(crate) fn count_all(&mut self, marks: &[Mark]) {
        for mark in marks {
            let places = match mark {
                Mark::Points(Points { places, .. }) => places,
                Mark::Line(line) => &line.places,
                _ => continue,
            };
            let finite = places
                .iter()
                .filter(|(x, y)| x.is_finite() && y.is_finite())
                .count();
            self.not_finite += places.len() - finite;
            self.not_positive += finite;
        }
    }

    /// Sentences for the caption.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let count = |number: usize| fixed(number as f64, 0);
        let mut out = Vec::new();
        let (points, dots) = self.thinned;
        if points > dots {
            out.push(format!(
                "{} points are drawn as {} dots.",
                count(points),
                count(dots)
            ));
        }
        let left_out = [
            (self.not_finite, "not finite"),
            (self.not_positive, "not positive, on a logarithmic axis"),
            (self.outside, "beyond the axes"),
        ];
        for (number, why) in left_out.into_iter().filter(|(number, _)| *number > 0) {
            let values = if number == 1 {
                "value is"
            } else {
                "values are"
            };
            out.push(format!("{} {values} not shown: {why}.", count(number)));
        }
        out
    }
}

/// Draws one mark.
pub(crate) fn draw_mark(mark: &Mark, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    match mark {
        Mark::Points(points) => points::draw_points(points, frame, canvas, notes),
        Mark::Line(line) => lines::draw_line(line, frame, canvas, notes),
        Mark::Band(band) => lines::draw_band(band, frame, canvas, notes),
        Mark::Bars(bars) => bars::draw_bars(bars, frame, canvas, notes),
        Mark::Cells(cells) => bars::draw_cells(cells, frame, canvas, notes),
        Mark::ErrorBars(errors) => bars::draw_error_bars(errors, frame, canvas, notes),
        Mark::Note(note) => draw_note(note, frame, canvas),
        Mark::Rule(rule) => draw_rule(rule, frame, canvas),
        Mark::Swarm(swarm) => swarm::draw_swarm(swarm, frame, canvas, notes),
    }
}

/// Writes the words of a mark that must not be hidden by other marks.
pub(crate) fn draw_words(mark: &Mark, frame: &Frame, canvas: &mut Canvas) {
    match mark {
        Mark::Bars(bars) => bars::draw_bar_labels(bars, frame, canvas),
        Mark::Rule(rule) => draw_rule_label(rule, frame, canvas),
        _ => {}
    }
}

fn draw_note(note: &Note, frame: &Frame, canvas: &mut Canvas) {
    let places = frame
        .x
        .place_within(note.place.0)
        .zip(frame.y.place_within(note.place.1));
    if let Some((x, y)) = places {
        let class = if note.is_strong {
            "p-ink p-halo p-strong"
        } else {
            "p-ink p-halo"
        };
        canvas.text(
            class,
            (x + note.shift.0, y + note.shift.1),
            note.anchor,
            &note.text,
        );
    }
}

fn draw_rule(rule: &Rule, frame: &Frame, canvas: &mut Canvas) {
    let Some((from, to)) = rule_ends(rule.at, frame) else {
        return;
    };
    let mut path = crate::canvas::Path::default();
    path.to(from).to(to);
    canvas.path_with("p-thin p-mute-line", path, dash_attribute(rule.dash), None);
}

/// Writes what stands beside a rule; a slanted one is named in the legend.
fn draw_rule_label(rule: &Rule, frame: &Frame, canvas: &mut Canvas) {
    let plot = frame.plot;
    let Some((from, _)) = rule_ends(rule.at, frame).filter(|_| !rule.label.is_empty()) else {
        return;
    };
    let half = text_width(&rule.label, SMALL, Weight::Regular) / 2.0;
    let is_right = from.0 > plot.left + plot.width() * 0.7;
    let (place, anchor) = match rule.at {
        RuleAt::Slope { .. } => return,
        RuleAt::Y(_) => ((plot.right - 4.0, from.1 - 5.0), Anchor::End),
        RuleAt::X(_) if matches!(frame.y.spread, Spread::Category(_)) => {
            let middle = from.0.min(plot.right - half).max(plot.left + half);
            ((middle, plot.top - 5.0), Anchor::Middle)
        }
        RuleAt::X(_) if is_right => ((from.0 - 6.0, plot.top + 12.0), Anchor::End),
        RuleAt::X(_) => ((from.0 + 6.0, plot.top + 12.0), Anchor::Start),
    };
    canvas.text("p-mute p-small p-halo", place, anchor, &rule.label);
}

/// The two places where a rule meets the edge of the plot.
fn rule_ends(at: RuleAt, frame: &Frame) -> Option<((f64, f64), (f64, f64))> {
    let plot = frame.plot;
    match at {
        RuleAt::X(x) => {
            let x = frame.x.place(x).filter(|_| frame.x.holds(x))?;
            Some(((x, plot.bottom), (x, plot.top)))
        }
        RuleAt::Y(y) => {
            let y = frame.y.place(y).filter(|_| frame.y.holds(y))?;
            Some(((plot.left, y), (plot.right, y)))
        }
        RuleAt::Slope { slope, intercept } => {
            let line = |x: f64| (x, intercept + slope * x);
            let (low, high) = frame.y.domain;
            let mut ends = vec![line(frame.x.domain.0), line(frame.x.domain.1)];
            if slope != 0.0 {
                ends.extend([
                    ((low - intercept) / slope, low),
                    ((high - intercept) / slope, high),
                ]);
            }
            ends.retain(|(x, y)| frame.x.holds(*x) && frame.y.holds(*y));
            ends.sort_by(|a, b| a.0.total_cmp(&b.0));
            let place = |(x, y): &(f64, f64)| frame.x.place(*x).zip(frame.y.place(*y));
            place(ends.first()?).zip(place(ends.last()?))
        }
    }
}
