//! A chart: two axes and the marks between them, laid out in whatever rectangle it is given.

use crate::axis::Axis;
use crate::canvas::{Anchor, Canvas, Rect};
use crate::draw::{Notes, draw_mark, draw_words};
use crate::layout::lay_out;
use crate::mark::Mark;
use crate::theme::HEADING;

/// Two axes and the marks between them; one panel of a [`Figure`](crate::Figure).
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub(crate) heading: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) marks: Vec<Mark>,
    pub(crate) equal_units: Option<f64>,
}

impl Chart {
    /// A chart without marks.
    pub const fn new(x: Axis, y: Axis) -> Self {
        Self {
            heading: String::new(),
            x,
            y,
            marks: Vec::new(),
            equal_units: None,
        }
    }

    /// Lays one more mark over the others.
    #[must_use]
    pub fn with(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// Words above the chart, for one of several panels.
    #[must_use]
    pub fn heading(mut self, heading: impl Into<String>) -> Self {
        self.heading = heading.into();
        self
    }

    /// Makes a unit of `y` as long as `ratio` units of `x`, by leaving room free: 1 for a square chart of two like
    /// quantities.
    #[must_use]
    pub const fn equal_units(mut self, ratio: f64) -> Self {
        self.equal_units = Some(ratio);
        self
    }

    /// Draws it into `outer`; what could not be shown is in `notes`.
    pub(crate) fn draw(&self, canvas: &mut Canvas, outer: Rect, notes: &mut Notes) {
        if !self.heading.is_empty() {
            let place = (outer.left, outer.top + HEADING);
            canvas.text("p-head p-ink", place, Anchor::Start, &self.heading);
        }
        let Some(frame) = lay_out(self, outer).filter(|_| self.has_data()) else {
            notes.count_all(&self.marks);
            let middle = (
                (outer.left + outer.right) / 2.0,
                (outer.top + outer.bottom) / 2.0,
            );
            canvas.text("p-mute", middle, Anchor::Middle, "no data");
            return;
        };
        frame.draw_grid(canvas, self);
        for mark in &self.marks {
            draw_mark(mark, &frame, canvas, notes);
        }
        for mark in &self.marks {
            draw_words(mark, &frame, canvas);
        }
        frame.draw_labels(canvas, self);
    }

    /// Whether a mark that is made of data has anything to show.
    fn has_data(&self) -> bool {
        let mut marks = self
            .marks
            .iter()
            .filter(|mark| !matches!(mark, Mark::Rule(_) | Mark::Note(_)));
        marks.any(|mark| {
            let (mut x, mut y) = (Vec::new(), Vec::new());
            mark.extend(&mut x, true);
            mark.extend(&mut y, false);
            x.iter().chain(&y).any(|value| value.is_finite())
        })
    }

    /// Every `x` (or `y`) that the axis should show, and whether bars rest on its zero.
    pub(crate) fn extent(&self, along_x: bool) -> (Vec<f64>, bool) {
        let axis = if along_x { &self.x } else { &self.y };
        let mut values = axis.include.clone();
        let mut rests_on_zero = false;
        for mark in &self.marks {
            rests_on_zero |= mark.extend(&mut values, along_x);
        }
        (values, rests_on_zero)
    }

    /// The height that the panel takes takes for its heading.
    pub(crate) fn heading_height(&self) -> f64 {
        if self.heading.is_empty() {
            0.0
        } else {
            HEADING + 8.0
        }
    }
}

impl Mark {
    /// Adds what this mark needs of an axis to `values`; says whether it rests on the axis' zero.
    fn extend(&self, values: &mut Vec<f64>, along_x: bool) -> bool {
        let pick = |(x, y): &(f64, f64)| if along_x { *x } else { *y };
        match self {
            Self::Points(points) => values.extend(points.places.iter().map(pick)),
            Self::Line(line) => values.extend(line.places.iter().map(pick)),
            Self::Note(note) => values.push(pick(&note.place)),
            Self::Band(band) if along_x => values.extend(band.places.iter().map(|place| place.0)),
            Self::Band(band) => {
                values.extend(band.places.iter().flat_map(|place| [place.1, place.2]))
            }
            Self::Bars(bars) if bars.is_horizontal == along_x => {
                values.extend(bars.bars.iter().flat_map(|bar| [bar.span.0, bar.span.1]));
                return true;
            }
            Self::Bars(bars) => {
                let ends = |half: f64| {
                    bars.bars
                        .iter()
                        .map(move |bar| bar.place + half * bar.width)
                };
                values.extend(ends(-0.5).chain(ends(0.5)));
            }
            Self::Cells(cells) => {
                let ends = |cell: &crate::mark::Cell| {
                    if along_x {
                        [cell.x.0, cell.x.1]
                    } else {
                        [cell.y.0, cell.y.1]
                    }
                };
                values.extend(cells.cells.iter().flat_map(ends));
            }
            Self::Rule(rule) => match rule.at {
                crate::mark::RuleAt::X(x) if along_x => values.push(x),
                crate::mark::RuleAt::Y(y) if !along_x => values.push(y),
                _ => {}
            },
            Self::ErrorBars(errors) if errors.is_horizontal == along_x => {
                values.extend(errors.ranges.iter().flat_map(|range| [range.1, range.2]));
            }
            Self::ErrorBars(_) => {}
            Self::Swarm(swarm) if along_x => {
                values.extend(swarm.rows.iter().flatten().map(|point| point.0))
            }
            Self::Swarm(_) => {}
        }
        false
    }
}
