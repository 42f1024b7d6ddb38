//! Points: each by itself while there are few, dots of one path when there are many.

use std::collections::BTreeMap;

use crate::canvas::{Canvas, Path};
use crate::draw::{Notes, density};
use crate::layout::Frame;
use crate::mark::{Colours, Points, Shape};

/// Points with words for the pointer; more are one path a colour.
const WITH_TIPS: usize = 400;
/// Points drawn one by one; of more, those on the same few pixels become one dot, with the mean of their values.
const ONE_BY_ONE: usize = 3000;

/// A point in pixels, and its number.
pub(crate) type Placed = ((f64, f64), usize);

/// Draws points.
pub(crate) fn draw_points(points: &Points, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    let places = points.places.iter().enumerate();
    let placed = places.filter_map(|(number, place)| Some((notes.place(frame, *place)?, number)));
    let placed: Vec<Placed> = placed.collect();
    match &points.colours {
        Colours::Density => density::draw_density(&placed, points, canvas, notes),
        Colours::One(tone) => {
            let dots = spots(placed, points, notes).into_iter().map(|spot| spot[0]);
            draw_one_colour(&tone.class(), &dots.collect::<Vec<_>>(), points, canvas);
        }
        Colours::Values(values, ramp) => {
            let value = |point: &Placed| values.get(point.1).copied().unwrap_or(f64::NAN);
            let mut by_class: BTreeMap<(usize, String), Vec<Placed>> = BTreeMap::new();
            for spot in spots(placed, points, notes) {
                let class = ramp.tone(mean(spot.iter().map(value))).class();
                by_class
                    .entry((class.len(), class))
                    .or_default()
                    .push(spot[0]);
            }
            for ((_, class), placed) in by_class {
                draw_one_colour(&class, &placed, points, canvas);
            }
        }
    }
}

/// The mean of the finite values; NaN of none.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let finite = values.filter(|value| value.is_finite());
    let (sum, count) = finite.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Points that one dot stands for: each by itself while they are few, else those whose middles are on one square of
/// nearly a dot's width. No spot is empty.
fn spots(placed: Vec<Placed>, points: &Points, notes: &mut Notes) -> Vec<Vec<Placed>> {
    if points.places.len() <= ONE_BY_ONE {
        return placed.into_iter().map(|point| vec![point]).collect();
    }
    let side = points.radius * 1.8;
    let total = placed.len();
    let mut spots: BTreeMap<(i32, i32), Vec<Placed>> = BTreeMap::new();
    for point in placed {
        let (x, y) = point.0;
        spots
            .entry(((x / side) as i32, (y / side) as i32))
            .or_default()
            .push(point);
    }
    notes.thinned.0 += total;
    notes.thinned.1 += spots.len();
    spots.into_values().collect()
}

/// Draws points of one colour.
fn draw_one_colour(class: &str, placed: &[Placed], points: &Points, canvas: &mut Canvas) {
    let total = points.places.len();
    if placed.is_empty() {
        return;
    }
    if total <= WITH_TIPS && !points.tips.is_empty() {
        return draw_with_tips(class, placed, points, canvas);
    }
    let mut path = Path::default();
    for (place, _) in placed {
        match points.shape {
            Shape::Circle => {
                path.dot(*place);
            }
            shape => shape_path(&mut path, shape, *place, points.radius),
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
