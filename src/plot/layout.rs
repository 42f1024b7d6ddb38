//! Where the parts of a chart stand: the margins follow from the widths of the labels, so that nothing is cut or overlaps.
//!
//! The label of `y` stands level above its axis, since level words are read faster than turned ones; that of `x` below
//! the middle of its axis.

use crate::axis::Axis;
use crate::canvas::{Anchor, Canvas, Rect};
use crate::chart::Chart;
use crate::font::{Weight, shortened, text_width, wrapped};
use crate::mark::{Mark, RuleAt};
use crate::scale::{Scale, Spread, domain};
use crate::theme::{SMALL, TEXT};
use crate::ticks::Tick;

/// Pixels between a tick label and its axis.
const GAP: f64 = 8.0;
/// Height of a line of labels.
const LINE: f64 = 18.0;
/// The longest slanted labels may reach this far down.
const SLANTED: f64 = 96.0;

/// A chart with its places decided.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) plot: Rect,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    x_ticks: Vec<Tick>,
    y_ticks: Vec<Tick>,
    is_slanted: bool,
}

/// Decides the places of a chart in `outer`; none when there is nothing to show.
pub(crate) fn lay_out(chart: &Chart, outer: Rect) -> Option<Frame> {
    let mut plot = outer;
    plot.top += chart.heading_height() + label_height(&chart.y) + top_room(chart);
    let ends = |axis: &Axis, along_x| {
        let (values, rests) = chart.extent(along_x);
        domain(&axis.spread, values.into_iter(), axis.fixed, rests)
    };
    let (mut x_ends, mut y_ends) = (ends(&chart.x, true)?, ends(&chart.y, false)?);
    let is_whole = |along_x| {
        chart
            .extent(along_x)
            .0
            .iter()
            .all(|value| value.fract() == 0.0)
    };
    let (x_whole, y_whole) = (is_whole(true), is_whole(false));
    if chart.equal_units == Some(1.0) {
        let both = (x_ends.0.min(y_ends.0), x_ends.1.max(y_ends.1));
        (x_ends, y_ends) = (both, both);
    }
    plot.bottom -= label_height(&chart.x) + LINE;
    let (mut y, mut y_ticks) = upright(&chart.y, y_ends, y_whole, plot);
    plot.left += tick_room(&chart.y, &mut y_ticks, outer.width() * 0.38);
    plot.right -= right_room(chart).min(outer.width() * 0.3);
    let slanted = slanted_room(&chart.x, plot.width());
    if slanted.is_some() {
        plot.left = plot
            .left
            .max(outer.left + slanted_reach(&chart.x, plot.width()));
    }
    plot.bottom -= slanted.unwrap_or(0.0);
    if let Some(ratio) = chart.equal_units {
        keep_units_equal(&mut plot, x_ends, y_ends, ratio);
    }
    if y.pixels.0 != plot.bottom {
        let labels = std::mem::take(&mut y_ticks);
        (y, y_ticks) = upright(&chart.y, y_ends, y_whole, plot);
        keep_short_names(&chart.y, &mut y_ticks, labels);
    }
    let x = Scale {
        spread: chart.x.spread.clone(),
        is_whole: x_whole,
        domain: x_ends,
        pixels: (plot.left, plot.right),
    };
    let x_ticks = level_ticks(&x, slanted.is_some());
    Some(Frame {
        plot,
        x,
        y,
        x_ticks,
        y_ticks,
        is_slanted: slanted.is_some(),
    })
}

fn label_height(axis: &Axis) -> f64 {
    if axis.label.is_empty() {
        4.0
    } else {
        LINE + 8.0
    }
}

/// The upright scale, and its ticks.
fn upright(axis: &Axis, ends: (f64, f64), is_whole: bool, plot: Rect) -> (Scale, Vec<Tick>) {
    let is_category = matches!(axis.spread, Spread::Category(_));
    let pixels = if is_category {
        (plot.top, plot.bottom)
    } else {
        (plot.bottom, plot.top)
    };
    let scale = Scale {
        spread: axis.spread.clone(),
        is_whole,
        domain: ends,
        pixels,
    };
    let ticks = scale.ticks((plot.height() / 44.0).max(2.0) as usize);
    (scale, ticks)
}

/// The width that tick labels beside the axis take; shortens those of categories to `most`.
fn tick_room(axis: &Axis, ticks: &mut [Tick], most: f64) -> f64 {
    if !axis.has_labels {
        return 2.0;
    }
    for tick in ticks.iter_mut() {
        tick.label = shortened(&tick.label, TEXT, most - GAP);
    }
    widest(ticks) + GAP
}

/// After the height changed: names of categories stay as short as they were made.
fn keep_short_names(axis: &Axis, ticks: &mut [Tick], short: Vec<Tick>) {
    if matches!(axis.spread, Spread::Category(_)) {
        for (tick, short) in ticks.iter_mut().zip(short) {
            tick.label = short.label;
        }
    }
}

fn widest(ticks: &[Tick]) -> f64 {
    let widths = ticks
        .iter()
        .map(|tick| text_width(&tick.label, TEXT, Weight::Regular));
    widths.fold(0.0, f64::max)
}

/// Room above the plot for labels at the ends of upright bars, and for those of rules that level bars would hide.
fn top_room(chart: &Chart) -> f64 {
    let is_category = matches!(chart.y.spread, Spread::Category(_));
    let has_rule = |mark: &Mark| matches!(mark, Mark::Rule(rule) if matches!(rule.at, RuleAt::X(_)) && !rule.label.is_empty());
    if is_category && chart.marks.iter().any(has_rule) {
        return 14.0;
    }
    let has_labels = |mark: &Mark| matches!(mark, Mark::Bars(bars) if !bars.is_horizontal && bars.bars.iter().any(|bar| bar.label.is_some()));
    if chart.marks.iter().any(has_labels) {
        14.0
    } else {
        0.0
    }
}

/// Room right of the plot for half a tick label, and for labels at the ends of level bars.
fn right_room(chart: &Chart) -> f64 {
    let bars = chart.marks.iter().filter_map(|mark| match mark {
        Mark::Bars(bars) if bars.is_horizontal => Some(&bars.bars),
        _ => None,
    });
    let labels = bars.flatten().filter_map(|bar| bar.label.as_deref());
    let widest = labels
        .map(|label| text_width(label, SMALL, Weight::Regular) + 6.0)
        .fold(0.0, f64::max);
    widest.max(18.0)
}

/// The further room that slanted names take; none when level names fit.
fn slanted_room(axis: &Axis, width: f64) -> Option<f64> {
    let Spread::Category(names) = &axis.spread else {
        return None;
    };
    let widths = names
        .iter()
        .map(|name| text_width(name, TEXT, Weight::Regular));
    let widest = widths.fold(0.0, f64::max);
    let fits = widest + 6.0 <= width / names.len().max(1) as f64;
    (!fits).then(|| (widest * 0.65).min(SLANTED))
}

/// How far slanted names reach to the left of the plot.
fn slanted_reach(axis: &Axis, width: f64) -> f64 {
    let Spread::Category(names) = &axis.spread else {
        return 0.0;
    };
    let band = width / names.len().max(1) as f64;
    let reach = |(place, name): (usize, &String)| {
        let name = text_width(name, TEXT, Weight::Regular).min(SLANTED / 0.65);
        name * 0.77 - (place as f64 + 0.5) * band
    };
    names.iter().enumerate().map(reach).fold(0.0, f64::max)
}

/// Makes the plot smaller until a unit of `y` is as long as `ratio` units of `x`.
fn keep_units_equal(plot: &mut Rect, x: (f64, f64), y: (f64, f64), ratio: f64) {
    let wanted = (y.1 - y.0) * ratio / (x.1 - x.0);
    if !wanted.is_finite() || wanted <= 0.0 {
        return;
    }
    if plot.height() > plot.width() * wanted {
        plot.bottom = plot.top + plot.width() * wanted;
    } else {
        plot.right = plot.left + plot.height() / wanted;
    }
}

/// Ticks of the level axis, as many as have room for their labels.
fn level_ticks(scale: &Scale, is_slanted: bool) -> Vec<Tick> {
    if matches!(scale.spread, Spread::Category(_)) {
        return level_names(scale, is_slanted);
    }
    let mut most = (scale.length() / 64.0).clamp(2.0, 12.0) as usize;
    loop {
        let ticks = scale.ticks(most);
        if most <= 2 || !overlap(scale, &ticks) {
            return ticks;
        }
        most -= 1;
    }
}

fn overlap(scale: &Scale, ticks: &[Tick]) -> bool {
    let place = |tick: &Tick| scale.place(tick.value).unwrap_or_default();
    let half = |tick: &Tick| text_width(&tick.label, TEXT, Weight::Regular) / 2.0;
    ticks
        .windows(2)
        .any(|two| place(&two[1]) - half(&two[1]) < place(&two[0]) + half(&two[0]) + 10.0)
}

/// Names of categories; where there are more than lines of text fit side by side, some are left out evenly.
fn level_names(scale: &Scale, is_slanted: bool) -> Vec<Tick> {
    let mut ticks = scale.ticks(0);
    let every = (ticks.len() as f64 * 14.0 / scale.length()).ceil().max(1.0) as usize;
    for (place, tick) in ticks.iter_mut().enumerate() {
        match is_slanted {
            true if place % every != 0 => tick.label.clear(),
            true => tick.label = shortened(&tick.label, TEXT, SLANTED / 0.65),
            false => {}
        }
    }
    ticks
}

impl Frame {
    /// Draws the lines that help reading values, and the axis that bars rest on.
    pub(crate) fn draw_grid(&self, canvas: &mut Canvas, chart: &Chart) {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.plot;
        for x in chart
            .x
            .has_grid
            .then_some(&self.x_ticks)
            .into_iter()
            .flatten()
            .filter_map(|tick| self.x.place(tick.value))
        {
            canvas.line("p-grid", (x, top), (x, bottom));
        }
        for y in chart
            .y
            .has_grid
            .then_some(&self.y_ticks)
            .into_iter()
            .flatten()
            .filter_map(|tick| self.y.place(tick.value))
        {
            canvas.line("p-grid", (left, y), (right, y));
        }
        let is_category = |axis: &Axis| matches!(axis.spread, Spread::Category(_));
        if !is_category(&chart.x) {
            canvas.line("p-axis", (left, bottom), (right, bottom));
        }
        match self
            .x
            .place(0.0)
            .filter(|_| is_category(&chart.y) && self.x.holds(0.0))
        {
            Some(zero) => canvas.line("p-axis", (zero, top), (zero, bottom)),
            None if is_category(&chart.x) => {
                let zero = self
                    .y
                    .place(0.0)
                    .filter(|_| self.y.holds(0.0))
                    .unwrap_or(bottom);
                canvas.line("p-axis", (left, zero), (right, zero));
            }
            None => {}
        }
    }

    /// Writes tick labels and the names of the axes.
    pub(crate) fn draw_labels(&self, canvas: &mut Canvas, chart: &Chart) {
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.plot;
        let y_left = left
            - if chart.y.has_labels {
                widest(&self.y_ticks) + GAP
            } else {
                0.0
            };
        if !chart.y.label.is_empty() {
            let label = shortened(&chart.y.label, TEXT, right - y_left + 12.0);
            canvas.text(
                "p-mute",
                (y_left, top - 12.0 - top_room(chart)),
                Anchor::Start,
                &label,
            );
        }
        if chart.y.has_labels {
            self.draw_upright_labels(canvas, chart);
        }
        if chart.x.has_labels {
            self.draw_level_labels(canvas);
        }
        if !chart.x.label.is_empty() {
            let label = shortened(&chart.x.label, TEXT, right - y_left + 12.0);
            let below = if self.is_slanted {
                slanted_room(&chart.x, self.plot.width()).unwrap_or(0.0)
            } else {
                0.0
            };
            let half = text_width(&label, TEXT, Weight::Regular) / 2.0;
            let middle = f64::midpoint(left, right).max(y_left + half);
            canvas.text(
                "p-mute",
                (middle, bottom + LINE + 18.0 + below),
                Anchor::Middle,
                &label,
            );
        }
    }

    fn draw_upright_labels(&self, canvas: &mut Canvas, chart: &Chart) {
        let full = |place: usize| match &chart.y.spread {
            Spread::Category(names) => names.get(place).map(String::as_str),
            _ => None,
        };
        for (place, tick) in self.y_ticks.iter().enumerate() {
            let Some(y) = self.y.place(tick.value) else {
                continue;
            };
            let tip = full(place).filter(|full| *full != tick.label);
            let class = if full(place).is_some() {
                "p-ink"
            } else {
                "p-mute"
            };
            canvas.text_with_tip(
                class,
                (self.plot.left - GAP, y + 4.0),
                Anchor::End,
                &tick.label,
                tip,
            );
        }
    }

    fn draw_level_labels(&self, canvas: &mut Canvas) {
        let is_category = matches!(self.x.spread, Spread::Category(_));
        let class = if is_category { "p-ink" } else { "p-mute" };
        for tick in self.x_ticks.iter().filter(|tick| !tick.label.is_empty()) {
            let Some(x) = self.x.place(tick.value) else {
                continue;
            };
            match self.is_slanted {
                true => canvas.slanted_text(class, (x + 4.0, self.plot.bottom + 14.0), &tick.label),
                false => canvas.text(
                    class,
                    (x, self.plot.bottom + 16.0),
                    Anchor::Middle,
                    &tick.label,
                ),
            }
        }
    }
}

/// Height of a header's or caption's lines, and the lines.
pub(crate) fn paragraph(text: &str, size: f64, weight: Weight, width: f64) -> (Vec<String>, f64) {
    let lines = wrapped(text, size, weight, width);
    let height = lines.len() as f64 * (size * 1.4).round();
    (lines, height)
}
