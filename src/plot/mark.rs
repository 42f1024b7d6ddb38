//! What a chart shows: points, lines, bands, bars, cells, words, reference lines, error bars, swarms.
//!
//! All are in the units of the axes. Values that are not finite are left out when drawn, and counted.

use crate::canvas::Anchor;
use crate::colour::{Ramp, Tone};

/// One layer of a chart; later ones lie over earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Places in the plane.
    Points(Points),
    /// Places in order, joined.
    Line(Line),
    /// A range of heights along `x`.
    Band(Band),
    /// Lengths.
    Bars(Bars),
    /// Rectangles coloured by a value.
    Cells(Cells),
    /// Words at a place.
    Note(Note),
    /// A line through the whole chart, to compare with.
    Rule(Rule),
    /// Ranges of uncertainty.
    ErrorBars(ErrorBars),
    /// Points spread over the width of their category, so that their number is seen.
    Swarm(Swarm),
}

/// The outline of a point; series differ by shape as well as colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Shape {
    #[default]
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
    Plus,
}

impl Shape {
    /// The shape of a series; beyond the last it starts again.
    pub const fn of_series(place: usize) -> Self {
        match place % 6 {
            0 => Self::Circle,
            1 => Self::Square,
            2 => Self::Triangle,
            3 => Self::Diamond,
            4 => Self::Cross,
            _ => Self::Plus,
        }
    }
}

/// How a line is broken; series differ by it as well as by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Dash {
    #[default]
    Solid,
    Dashed,
    Dotted,
    DashDot,
}

impl Dash {
    /// The dash of a series; beyond the last it starts again.
    pub const fn of_series(place: usize) -> Self {
        match place % 4 {
            0 => Self::Solid,
            1 => Self::Dashed,
            2 => Self::Dotted,
            _ => Self::DashDot,
        }
    }
}

/// How a bar is filled; series differ by it as well as by colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Fill {
    #[default]
    Solid,
    Hatched,
    Open,
    Soft,
}

impl Fill {
    /// The fill of a series; beyond the last it starts again.
    pub const fn of_series(place: usize) -> Self {
        match place % 4 {
            0 => Self::Open,
            1 => Self::Hatched,
            2 => Self::Solid,
            _ => Self::Soft,
        }
    }
}

/// What decides the colour of points.
#[derive(Debug, Clone, PartialEq)]
pub enum Colours {
    /// One for all.
    One(Tone),
    /// How many points are near: the more, the lighter.
    Density,
    /// A value of each point, `n_points` of them; a value that is not finite is faint.
    Values(Vec<f64>, Ramp),
}

/// Places in the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct Points {
    /// `(x, y)`, `n_points` of them.
    pub places: Vec<(f64, f64)>,
    /// What decides their colour.
    pub colours: Colours,
    /// Their outline.
    pub shape: Shape,
    /// Half their width, in pixels.
    pub radius: f64,
    /// What the legend says; none leaves them out of it.
    pub name: Option<String>,
    /// What a pointer on them is told: `n_points` texts, or none. Shown for at most 400 points.
    pub tips: Vec<String>,
}

impl Points {
    /// Circles in the colour of the first series.
    pub const fn new(places: Vec<(f64, f64)>) -> Self {
        let colours = Colours::One(Tone::Series(0));
        Self {
            places,
            colours,
            shape: Shape::Circle,
            radius: 2.5,
            name: None,
            tips: Vec::new(),
        }
    }

    /// The same points in the colour and shape of a series, with an entry in the legend.
    #[must_use]
    pub fn series(mut self, place: usize, name: impl Into<String>) -> Self {
        self.colours = Colours::One(Tone::Series(place));
        self.shape = Shape::of_series(place);
        self.name = Some(name.into());
        self
    }
}

/// Places in order, joined.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// `(x, y)`; a place that is not finite breaks the line.
    pub places: Vec<(f64, f64)>,
    /// Its colour.
    pub tone: Tone,
    /// How it is broken.
    pub dash: Dash,
    /// Whether it keeps its height until the next place.
    pub is_stepped: bool,
    /// Whether it stays behind others: thin and half transparent.
    pub is_thin: bool,
    /// What the legend says; none leaves it out.
    pub name: Option<String>,
}

impl Line {
    /// A solid line in the colour of the first series.
    pub const fn new(places: Vec<(f64, f64)>) -> Self {
        Self {
            places,
            tone: Tone::Series(0),
            dash: Dash::Solid,
            is_stepped: false,
            is_thin: false,
            name: None,
        }
    }

    /// The same line in the colour and dash of a series, with an entry in the legend.
    #[must_use]
    pub fn series(mut self, place: usize, name: impl Into<String>) -> Self {
        self.tone = Tone::Series(place);
        self.dash = Dash::of_series(place);
        self.name = Some(name.into());
        self
    }
}

/// A range of heights along `x`.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// `(x, low, high)`, in the order of `x`.
    pub places: Vec<(f64, f64, f64)>,
    /// Its colour, which lets the grid through.
    pub tone: Tone,
    /// What the legend says; none leaves it out.
    pub name: Option<String>,
}

/// Lengths, side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// Each of them.
    pub bars: Vec<Bar>,
    /// Whether lengths are along `x`.
    pub is_horizontal: bool,
    /// Their colour.
    pub tone: Tone,
    /// How they are filled.
    pub fill: Fill,
    /// What the legend says; none leaves them out.
    pub name: Option<String>,
}

/// One length.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// The middle of its place on the other axis.
    pub place: f64,
    /// How much of the other axis it takes.
    pub width: f64,
    /// Where it begins and ends.
    pub span: (f64, f64),
    /// What stands at its end.
    pub label: Option<String>,
    /// Where that stands if not at the end of the bar, as behind an error bar.
    pub label_at: Option<f64>,
    /// A colour of its own.
    pub tone: Option<Tone>,
    /// What a pointer on it is told.
    pub tip: Option<String>,
}

impl Bar {
    /// A bar from zero.
    pub const fn new(place: f64, width: f64, length: f64) -> Self {
        Self {
            place,
            width,
            span: (0.0, length),
            label: None,
            label_at: None,
            tone: None,
            tip: None,
        }
    }
}

/// Rectangles coloured by a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    /// Each of them.
    pub cells: Vec<Cell>,
    /// How values become colours.
    pub ramp: Ramp,
}

/// One rectangle.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its ends along `x`.
    pub x: (f64, f64),
    /// Its ends along `y`.
    pub y: (f64, f64),
    /// What its colour says; not finite: faint.
    pub value: f64,
    /// What stands in it.
    pub label: Option<String>,
    /// What a pointer on it is told.
    pub tip: Option<String>,
}

/// Words at a place.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// `(x, y)` in the units of the axes.
    pub place: (f64, f64),
    /// Pixels to the right and downwards from there.
    pub shift: (f64, f64),
    /// The words.
    pub text: String,
    /// Which end of the words is at the place.
    pub anchor: Anchor,
    /// Whether they are written bold.
    pub is_strong: bool,
}

/// Where a [`Rule`] runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RuleAt {
    /// Upright, at this `x`.
    X(f64),
    /// Level, at this `y`.
    Y(f64),
    /// Through `y = intercept + slope · x`.
    Slope {
        /// `y` for each `x`.
        slope: f64,
        /// `y` at `x = 0`.
        intercept: f64,
    },
}

/// A line through the whole chart, to compare with.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Where it runs.
    pub at: RuleAt,
    /// What is written beside it.
    pub label: String,
    /// How it is broken.
    pub dash: Dash,
}

impl Rule {
    /// A dashed line.
    pub fn new(at: RuleAt, label: impl Into<String>) -> Self {
        Self {
            at,
            label: label.into(),
            dash: Dash::Dashed,
        }
    }
}

/// Ranges of uncertainty.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorBars {
    /// `(place, low, high)`.
    pub ranges: Vec<(f64, f64, f64)>,
    /// Whether the ranges are along `x`.
    pub is_horizontal: bool,
}

/// Points spread over the width of their category, so that their number is seen. Categories are along `y`.
#[derive(Debug, Clone, PartialEq)]
pub struct Swarm {
    /// For each category its points: `x`, and a value from 0 to 1 for the colour (not finite: faint).
    pub rows: Vec<Vec<(f64, f64)>>,
    /// What the colour says; its range is 0 to 1.
    pub ramp: Ramp,
    /// What stands at the ends of the colour bar.
    pub ends: (String, String),
}
