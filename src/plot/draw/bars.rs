//! Bars, cells and error bars: what is made of rectangles.

use crate::canvas::{Anchor, Canvas, Path, Rect};
use crate::colour::Tone;
use crate::draw::Notes;
use crate::font::{Weight, text_width};
use crate::layout::Frame;
use crate::mark::{Bar, Bars, Cell, Cells, ErrorBars, Fill};
use crate::theme::SMALL;

/// Cells with words for the pointer.
const WITH_TIPS: usize = 500;
/// Pixels between the strokes of a hatching, along the edge.
const HATCH: f64 = 6.0;

/// Draws bars with the labels at their ends.
pub(crate) fn draw_bars(bars: &Bars, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    for bar in &bars.bars {
        let Some((rect, _)) = bar_rect(bar, bars.is_horizontal, frame) else {
            notes.not_finite += 1;
            continue;
        };
        let tone = bar.tone.unwrap_or(bars.tone);
        draw_filled(canvas, rect, tone, bars.fill, bar.tip.as_deref());
    }
}

/// Writes the labels at the ends of bars.
pub(crate) fn draw_bar_labels(bars: &Bars, frame: &Frame, canvas: &mut Canvas) {
    for bar in &bars.bars {
        let place = bar_rect(bar, bars.is_horizontal, frame);
        let Some((label, (rect, is_forward))) = bar.label.as_deref().zip(place) else {
            continue;
        };
        let rect = label_rect(rect, bar, bars.is_horizontal, frame);
        let is_forward = is_forward || bar.label_at.is_some();
        let (place, anchor) = label_place(rect, bars.is_horizontal, is_forward);
        canvas.text("p-ink p-small p-halo", place, anchor, label);
    }
}

/// The bar in pixels, and whether it goes to the right or upwards.
fn bar_rect(bar: &Bar, is_horizontal: bool, frame: &Frame) -> Option<(Rect, bool)> {
    if !bar.span.0.is_finite() || !bar.span.1.is_finite() {
        return None;
    }
    let (along, across) = if is_horizontal {
        (&frame.x, &frame.y)
    } else {
        (&frame.y, &frame.x)
    };
    let ends = [bar.place - bar.width / 2.0, bar.place + bar.width / 2.0]
        .map(|end| across.place_within(end));
    // a logarithmic axis has no zero: bars begin at its end
    let begin = along.place_within(bar.span.0).unwrap_or(along.pixels.0);
    let end = along.place_within(bar.span.1)?;
    let (first, last) = (ends[0]?.min(ends[1]?), ends[0]?.max(ends[1]?));
    let rect = match is_horizontal {
        true => Rect {
            left: begin.min(end),
            right: begin.max(end),
            top: first,
            bottom: last,
        },
        false => Rect {
            left: first,
            right: last,
            top: begin.min(end),
            bottom: begin.max(end),
        },
    };
    Some((rect, bar.span.1 >= bar.span.0))
}

/// The bar as long as to where its label stands.
fn label_rect(rect: Rect, bar: &Bar, is_horizontal: bool, frame: &Frame) -> Rect {
    let along = if is_horizontal { &frame.x } else { &frame.y };
    match bar.label_at.and_then(|at| along.place_within(at)) {
        Some(end) if is_horizontal => Rect {
            left: rect.left.min(end),
            right: rect.right.max(end),
            ..rect
        },
        Some(end) => Rect {
            top: rect.top.min(end),
            bottom: rect.bottom.max(end),
            ..rect
        },
        None => rect,
    }
}

fn label_place(rect: Rect, is_horizontal: bool, is_forward: bool) -> ((f64, f64), Anchor) {
    let (middle_x, middle_y) = (
        f64::midpoint(rect.left, rect.right),
        f64::midpoint(rect.top, rect.bottom),
    );
    match (is_horizontal, is_forward) {
        (true, true) => ((rect.right + 5.0, middle_y + 4.0), Anchor::Start),
        (true, false) => ((rect.left - 5.0, middle_y + 4.0), Anchor::End),
        (false, true) => ((middle_x, rect.top - 4.0), Anchor::Middle),
        (false, false) => ((middle_x, rect.bottom + 13.0), Anchor::Middle),
    }
}

/// Draws a rectangle with one of the fills.
pub(crate) fn draw_filled(
    canvas: &mut Canvas,
    rect: Rect,
    tone: Tone,
    fill: Fill,
    tip: Option<&str>,
) {
    let class = tone.class();
    match fill {
        Fill::Solid => canvas.rect(&format!("p-fill {class}"), rect, tip),
        Fill::Soft => canvas.rect(&format!("p-soft {class}"), rect, tip),
        Fill::Open | Fill::Hatched => {
            let inner = Rect {
                left: rect.left + 0.7,
                top: rect.top + 0.7,
                right: (rect.right - 0.7).max(rect.left + 0.7),
                bottom: (rect.bottom - 0.7).max(rect.top + 0.7),
            };
            canvas.rect(&format!("p-open {class}"), inner, tip);
            if fill == Fill::Hatched {
                canvas.path(&format!("p-thin {class}"), hatching(inner), None);
            }
        }
    }
}

/// Strokes rising to the right, cut at the edges of the rectangle.
fn hatching(rect: Rect) -> Path {
    let mut path = Path::default();
    let (width, height) = (rect.width(), rect.height());
    let mut from = HATCH;
    while from < width + height {
        let (left, right) = ((from - height).max(0.0), from.min(width));
        path.to((rect.left + left, rect.top + from - left))
            .to((rect.left + right, rect.top + from - right))
            .lift();
        from += HATCH;
    }
    path
}

/// Draws cells, with the words in those that are large enough.
pub(crate) fn draw_cells(cells: &Cells, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    let few = cells.cells.len() <= WITH_TIPS;
    for cell in &cells.cells {
        let tip = cell.tip.as_deref().filter(|_| few);
        let Some(rect) = cell_rect(cell, frame) else {
            notes.not_finite += 1;
            continue;
        };
        let tone = cells.ramp.tone(cell.value);
        canvas.rect(&format!("p-fill {}", tone.class()), rect, tip);
        let label = cell.label.as_deref().unwrap_or_default();
        if !label.is_empty()
            && text_width(label, SMALL, Weight::Regular) + 4.0 <= rect.width()
            && rect.height() >= SMALL + 2.0
        {
            let middle = (
                f64::midpoint(rect.left, rect.right),
                f64::midpoint(rect.top, rect.bottom) + 4.0,
            );
            canvas.text(label_class(tone), middle, Anchor::Middle, label);
        }
    }
}

/// Words on a cell: white on the dark steps, black on the light ones, with a halo where the ground decides.
fn label_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Level(along) if along < 0.62 => "p-small p-white",
        Tone::Level(_) => "p-small p-black",
        _ => "p-small p-ink p-halo",
    }
}

/// The cell in pixels, with a hair of the ground around it when it is large.
fn cell_rect(cell: &Cell, frame: &Frame) -> Option<Rect> {
    let x = [cell.x.0, cell.x.1].map(|end| frame.x.place_within(end));
    let y = [cell.y.0, cell.y.1].map(|end| frame.y.place_within(end));
    let rect = Rect {
        left: x[0]?.min(x[1]?),
        right: x[0]?.max(x[1]?),
        top: y[0]?.min(y[1]?),
        bottom: y[0]?.max(y[1]?),
    };
    let hair = if rect.width().min(rect.height()) > 16.0 {
        0.8
    } else {
        0.0
    };
    Some(Rect {
        left: rect.left + hair,
        right: rect.right - hair,
        top: rect.top + hair,
        bottom: rect.bottom - hair,
    })
}

/// Draws error bars with short ends.
pub(crate) fn draw_error_bars(
    errors: &ErrorBars,
    frame: &Frame,
    canvas: &mut Canvas,
    notes: &mut Notes,
) {
    let (along, across) = if errors.is_horizontal {
        (&frame.x, &frame.y)
    } else {
        (&frame.y, &frame.x)
    };
    let turned = |(a, b): (f64, f64)| if errors.is_horizontal { (a, b) } else { (b, a) };
    let mut path = Path::default();
    for (place, low, high) in &errors.ranges {
        let ends = along.place_within(*low).zip(along.place_within(*high));
        let Some((middle, (low, high))) = across.place(*place).zip(ends) else {
            notes.not_finite += 1;
            continue;
        };
        path.to(turned((low, middle)))
            .to(turned((high, middle)))
            .lift();
        for end in [low, high] {
            path.to(turned((end, middle - 3.0)))
                .to(turned((end, middle + 3.0)))
                .lift();
        }
    }
    canvas.path("p-thin p-ink-line", path, None);
}
