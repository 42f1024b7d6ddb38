//! Parallel coordinates: one upright axis a parameter, one line a trial, coloured by its objective.

use crate::axis::Axis;
use crate::canvas::{Anchor, Canvas, Path, Rect};
use crate::colour::{Ramp, Tone};
use crate::draw::Notes;
use crate::font::{Weight, shortened, text_width};
use crate::legend::{Legend, Symbol};
use crate::mark::Dash;
use crate::scale::{Scale, domain};
use crate::theme::{SMALL, TEXT};

/// Lines that are drawn; of more, the best and an even choice of the rest.
const MOST: usize = 1000;

/// Axes and the lines through them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parallel {
    /// `n_axes`, from left to right.
    pub(crate) axes: Vec<Axis>,
    /// `n_lines` × `n_axes` values; one that is not finite breaks its line.
    pub(crate) lines: Vec<Vec<f64>>,
    /// `n_lines` amounts that decide the colours.
    pub(crate) amounts: Vec<f64>,
    /// How amounts become colours.
    pub(crate) ramp: Ramp,
    /// The line drawn above all others, and its name.
    pub(crate) best: Option<(usize, String)>,
}

impl Parallel {
    pub(crate) fn legend(&self) -> Legend {
        let mut legend = Legend::default();
        if let Some((_, name)) = &self.best {
            legend.add(Symbol::Line(Tone::Ink, Dash::Solid, false), name);
        }
        if !self.lines.is_empty() {
            legend.add_ramp(&self.ramp, None);
        }
        legend
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, outer: Rect, notes: &mut Notes) {
        let scales = self.scales(outer);
        let drawn: Vec<_> = (0..self.axes.len())
            .filter_map(|axis| Some((axis, scales.get(axis)?.clone()?)))
            .collect();
        if drawn.is_empty() {
            let middle = (
                f64::midpoint(outer.left, outer.right),
                f64::midpoint(outer.top, outer.bottom),
            );
            return canvas.text("p-mute", middle, Anchor::Middle, "no data");
        }
        let places = places(&drawn, outer);
        for ((_, scale), x) in drawn.iter().zip(&places) {
            canvas.line("p-axis", (*x, scale.pixels.0), (*x, scale.pixels.1));
        }
        for line in self.chosen(notes) {
            let class = format!("p-hair {}", self.ramp.tone(self.amounts[line]).class());
            canvas.path(&class, self.path(line, &drawn, &places, notes), None);
        }
        if let Some((best, _)) = &self.best {
            canvas.path(
                "p-line p-ink-line",
                self.path(*best, &drawn, &places, &mut Notes::default()),
                None,
            );
        }
        for (place, (axis, scale)) in drawn.iter().enumerate() {
            let room = if drawn.len() > 1 {
                places[1] - places[0] - 10.0
            } else {
                outer.width()
            };
            draw_axis(canvas, &self.axes[*axis], scale, places[place], room);
        }
    }

    /// A scale an axis; none for one that nothing can be shown on.
    fn scales(&self, outer: Rect) -> Vec<Option<Scale>> {
        let pixels = (outer.bottom - 12.0, outer.top + 34.0);
        let scale = |(number, axis): (usize, &Axis)| {
            let values = self
                .lines
                .iter()
                .filter_map(|line| line.get(number).copied());
            let values = values.chain(axis.include.iter().copied());
            let domain = domain(&axis.spread, values, axis.fixed, false)?;
            Some(Scale {
                spread: axis.spread.clone(),
                is_whole: false,
                domain,
                pixels,
            })
        };
        self.axes.iter().enumerate().map(scale).collect()
    }

    /// The lines to draw, those with low amounts last, since lower is better more often than not.
    fn chosen(&self, notes: &mut Notes) -> Vec<usize> {
        let mut lines: Vec<_> = (0..self.lines.len().min(self.amounts.len())).collect();
        let amount = |line: &usize| {
            if self.amounts[*line].is_finite() {
                self.amounts[*line]
            } else {
                f64::INFINITY
            }
        };
        lines.sort_by(|a, b| amount(b).total_cmp(&amount(a)));
        let total = lines.len();
        if total > MOST {
            lines = (0..MOST)
                .map(|place| lines[(place + 1) * total / MOST - 1])
                .collect();
            notes.thinned = (notes.thinned.0 + total, notes.thinned.1 + MOST);
        }
        lines
    }

    fn path(
        &self,
        line: usize,
        drawn: &[(usize, Scale)],
        places: &[f64],
        notes: &mut Notes,
    ) -> Path {
        let mut path = Path::default();
        for ((axis, scale), x) in drawn.iter().zip(places) {
            let value = self.lines[line].get(*axis).copied().unwrap_or(f64::NAN);
            match scale.place_within(value) {
                Some(y) => path.to((*x, y)),
                None if value.is_finite() => {
                    notes.not_positive += 1;
                    path.lift()
                }
                None => path.lift(),
            };
        }
        path
    }
}

/// Where the axes stand: the outer ones leave room for their labels.
fn places(drawn: &[(usize, Scale)], outer: Rect) -> Vec<f64> {
    let (left, right) = (outer.left + 40.0, outer.right - 52.0);
    match drawn.len() {
        1 => vec![f64::midpoint(left, right)],
        count => (0..count)
            .map(|place| left + (right - left) * place as f64 / (count - 1) as f64)
            .collect(),
    }
}

/// Writes the name above an axis and the values beside it.
fn draw_axis(canvas: &mut Canvas, axis: &Axis, scale: &Scale, x: f64, room: f64) {
    let name = shortened(&axis.label, TEXT, room.max(40.0));
    let tip = (name != axis.label).then_some(axis.label.as_str());
    canvas.text_with_tip(
        "p-ink p-strong",
        (x, scale.pixels.1 - 16.0),
        Anchor::Middle,
        &name,
        tip,
    );
    let ticks = scale.ticks((scale.length() / 44.0).max(2.0) as usize);
    for tick in ticks {
        let Some(y) = scale.place(tick.value) else {
            continue;
        };
        canvas.line("p-axis", (x, y), (x + 4.0, y));
        let label = shortened(&tick.label, SMALL, room.max(40.0));
        debug_assert!(text_width(&label, SMALL, Weight::Regular) <= room.max(40.0) + 1.0);
        canvas.text(
            "p-mute p-small p-halo",
            (x + 7.0, y + 4.0),
            Anchor::Start,
            &label,
        );
    }
}
