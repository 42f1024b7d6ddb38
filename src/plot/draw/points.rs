//! Points: each by itself while there are few, dots of one path when there are many.

use std::collections::{BTreeMap, BTreeSet};

use crate::canvas::{Canvas, Path};
use crate::draw::{Notes, density};
use crate::layout::Frame;
use crate::mark::{Colours, Points, Shape};

/// Points with words for the pointer; more are one path a colour.
const WITH_TIPS: usize = 600;
/// Points drawn one by one; of more, those on the same few pixels become one.
const ONE_BY_ONE: usize = 3000;

/// A point in pixels, and its number.
pub(crate) type Placed = ((f64, f64), usize);

/// Draws points.
pub(crate) fn draw_points(points: &Points, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    let places = points.places.iter().enumerate();
    let placed: Vec<Placed> = places
        .filter_map(|(number, place)| Some((notes.place(frame, *place)?, number)))
        .collect();
    match &points.colours {
        Colours::Density => density::draw_density(&placed, points, canvas, notes),
        Colours::One(tone) => draw_one_colour(&tone.class(), placed, points, canvas, notes),
        Colours::Values(values, ramp) => {
            let mut by_class: BTreeMap<(usize, String), Vec<Placed>> = BTreeMap::new();
            for point in placed {
                let class = ramp
                    .tone(values.get(point.1).copied().unwrap_or(f64::NAN))
                    .class();
                by_class
                    .entry((class.len(), class))
                    .or_default()
                    .push(point);
            }
            for ((_, class), placed) in by_class {
                draw_one_colour(&class, placed, points, canvas, notes);
            }
        }
    }
}

/// Draws points of one colour.
fn draw_one_colour(
    class: &str,
    placed: Vec<Placed>,
    points: &Points,
    canvas: &mut Canvas,
    notes: &mut Notes,
) {
    let total = points.places.len();
    if placed.is_empty() {
        return;
    }
    if total <= WITH_TIPS && !points.tips.is_empty() {
        return draw_with_tips(class, &placed, points, canvas);
    }
    let dots = if total > ONE_BY_ONE {
        thinned(placed, points.radius, notes)
    } else {
        placed
    };
    let mut path = Path::default();
    for (place, _) in dots {
        match points.shape {
            Shape::Circle => {
                path.dot(place);
            }
            shape => shape_path(&mut path, shape, place, points.radius),
        }
    }
    let opacity = if total > 100 { ".6" } else { ".9" };
    match points.shape {
        Shape::Circle => {
            let attributes = format!(
                " stroke-width=\"{}\" stroke-opacity=\"{opacity}\"",
                points.radius * 2.0
            );
            canvas.path_with(&format!("p-dots {class}"), path, &attributes, None);
        }
        shape => canvas.path(&format!("{} {class}", shape_class(shape)), path, None),
    }
}

fn draw_with_tips(class: &str, placed: &[Placed], points: &Points, canvas: &mut Canvas) {
    canvas.begin(class);
    for (place, number) in placed {
        let mut path = Path::default();
        shape_path(&mut path, points.shape, *place, points.radius);
        let tip = points.tips.get(*number).map(String::as_str);
        canvas.path(shape_class(points.shape), path, tip);
    }
    canvas.end();
}

/// Of points whose middles are on the same square of half a dot's width, the first.
fn thinned(placed: Vec<Placed>, radius: f64, notes: &mut Notes) -> Vec<Placed> {
    let before = placed.len();
    let mut seen = BTreeSet::new();
    let square = |((x, y), _): &Placed| ((x / radius) as i32, (y / radius) as i32);
    let kept: Vec<_> = placed
        .into_iter()
        .filter(|point| seen.insert(square(point)))
        .collect();
    notes.thinned.0 += before;
    notes.thinned.1 += kept.len();
    kept
}

/// Filled shapes are filled, crosses are lines.
pub(crate) const fn shape_class(shape: Shape) -> &'static str {
    match shape {
        Shape::Cross | Shape::Plus => "p-line",
        _ => "p-fill",
    }
}

/// Appends the outline of a shape around a place; shapes of one radius look equally large.
pub(crate) fn shape_path(path: &mut Path, shape: Shape, (x, y): (f64, f64), radius: f64) {
    let corners = |path: &mut Path, corners: &[(f64, f64)]| {
        for (across, down) in corners {
            path.to((x + across * radius, y + down * radius));
        }
        path.close();
    };
    match shape {
        Shape::Circle => {
            path.circle((x, y), radius);
        }
        Shape::Square => corners(path, &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        Shape::Triangle => corners(path, &[(0.0, -1.25), (1.15, 0.8), (-1.15, 0.8)]),
        Shape::Diamond => corners(path, &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)]),
        Shape::Cross => strokes(path, (x, y), [(-radius, -radius), (-radius, radius)]),
        Shape::Plus => strokes(path, (x, y), [(-radius * 1.2, 0.0), (0.0, -radius * 1.2)]),
    }
}

fn strokes(path: &mut Path, (x, y): (f64, f64), ends: [(f64, f64); 2]) {
    for (across, down) in ends {
        path.to((x + across, y + down))
            .to((x - across, y - down))
            .lift();
    }
}
