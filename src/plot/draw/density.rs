//! Density: where many points lie over each other, colour says how many.
//!
//! Up to a few thousand points each is drawn, coloured by the number of points in its cell; beyond, each cell is one
//! dot. Cells are hexagons (Carr et al. 1987, "Scatterplot matrix techniques for large N"), which do not draw the rows
//! and columns that squares do. So the size of a picture is bounded by its area, whatever the number of points.

use std::collections::BTreeMap;

use crate::canvas::{Canvas, Path};
use crate::colour::{Ramp, RampKind};
use crate::draw::Notes;
use crate::draw::points::Placed;
use crate::mark::Points;

/// What the colour bar of a density says.
const DENSITY_LABEL: &str = "points on a spot";
/// Points drawn one by one.
const ONE_BY_ONE: usize = 2000;
/// Pixels from the middle of a cell to that of the next: where points are single, and where cells are.
const SPOT: f64 = 12.0;
const CELL: f64 = 6.0;

/// A cell's row and column.
type Place = (i32, i32);

/// Draws points coloured by their number.
pub(crate) fn draw_density(
    placed: &[Placed],
    points: &Points,
    canvas: &mut Canvas,
    notes: &mut Notes,
) {
    let is_single = placed.len() <= ONE_BY_ONE;
    let pitch = if is_single { SPOT } else { CELL };
    let mut counts: BTreeMap<Place, usize> = BTreeMap::new();
    for (place, _) in placed {
        *counts.entry(cell(*place, pitch)).or_default() += 1;
    }
    let Some(most) = counts.values().max() else {
        return;
    };
    let ramp = density_ramp((1.0, *most as f64));
    notes.density = Some(ramp.range);
    let dots: Vec<_> = match is_single {
        true => placed
            .iter()
            .map(|(place, _)| (*place, counts[&cell(*place, pitch)]))
            .collect(),
        false => counts
            .iter()
            .map(|(place, count)| (middle(*place, pitch), *count))
            .collect(),
    };
    let width = if is_single {
        points.radius * 2.0
    } else {
        pitch * 0.98
    };
    draw_dots(&dots, &ramp, width, canvas);
    if !is_single {
        notes.thinned.0 += placed.len();
        notes.thinned.1 += dots.len();
    }
}

/// The colours of a density with this range of counts.
pub(crate) fn density_ramp(range: (f64, f64)) -> Ramp {
    Ramp {
        label: DENSITY_LABEL.to_owned(),
        range,
        kind: RampKind::Logarithmic,
    }
}

/// Draws dots, the rare ones first, one path a colour.
fn draw_dots(dots: &[((f64, f64), usize)], ramp: &Ramp, width: f64, canvas: &mut Canvas) {
    let mut paths: BTreeMap<(usize, String), Path> = BTreeMap::new();
    for (place, count) in dots {
        let class = ramp.tone(*count as f64).class();
        paths.entry((class.len(), class)).or_default().dot(*place);
    }
    let width = format!(" stroke-width=\"{width:.1}\"");
    for ((_, class), path) in paths {
        canvas.path_with(&format!("p-dots {class}"), path, &width, None);
    }
}

/// Pixels from row to row.
fn row_height(pitch: f64) -> f64 {
    pitch * 0.75_f64.sqrt()
}

/// The cell whose middle is nearest: of the two rows around a point, the nearer of their nearest middles.
fn cell((x, y): (f64, f64), pitch: f64) -> Place {
    let row = (y / row_height(pitch)).floor() as i32;
    let nearest = |row: i32| {
        let column = (x / pitch - shift(row)).round() as i32;
        let (middle_x, middle_y) = middle((row, column), pitch);
        ((x - middle_x).hypot(y - middle_y), (row, column))
    };
    let (above, below) = (nearest(row), nearest(row + 1));
    if above.0 <= below.0 { above.1 } else { below.1 }
}

fn middle((row, column): Place, pitch: f64) -> (f64, f64) {
    (
        (f64::from(column) + shift(row)) * pitch,
        f64::from(row) * row_height(pitch),
    )
}

/// Every other row is half a cell further.
fn shift(row: i32) -> f64 {
    f64::from(row.rem_euclid(2)) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_in_the_cell_with_the_nearest_middle() {
        for step in 0..500 {
            let point = (
                f64::from(step * 37 % 101) * 0.31,
                f64::from(step * 53 % 97) * 0.29,
            );
            let found = middle(cell(point, 6.0), 6.0);
            let distance = |(x, y): (f64, f64)| (point.0 - x).hypot(point.1 - y);
            for row in -1..8 {
                for column in -1..8 {
                    assert!(distance(found) <= distance(middle((row, column), 6.0)) + 1e-9);
                }
            }
        }
    }
}
