//! Swarms: all points of a category, stacked where they would lie over each other.
//!
//! Points are sorted into columns of a dot's width; those of a column are stacked around the middle of their category.
//! Where the fullest column of a category would be higher than its place, all columns of the category show the same part
//! of their points, so that the outline stays that of the distribution; they are evenly chosen in the order of their
//! colour, so that the mix of colours stays too. No chance is involved: the same points make the same picture.

use std::collections::BTreeMap;

use crate::canvas::{Canvas, Path};
use crate::draw::Notes;
use crate::layout::Frame;
use crate::mark::Swarm;

/// Width of a dot and of a column, in pixels.
const DOT: f64 = 2.6;
/// The part of a category's height that its points may take.
const FILLED: f64 = 0.84;

/// Dots of each colour class, shortest names first so that they are in the order of the colours.
type Paths = BTreeMap<(usize, String), Path>;

/// Draws a swarm.
pub(crate) fn draw_swarm(swarm: &Swarm, frame: &Frame, canvas: &mut Canvas, notes: &mut Notes) {
    let height = frame.y.length() / swarm.rows.len().max(1) as f64 * FILLED;
    let most = (height / DOT).floor().max(1.0) as usize;
    let mut paths = Paths::new();
    let (mut points, mut dots) = (0, 0);
    for (row, values) in swarm.rows.iter().enumerate() {
        let row = row as f64;
        let mut columns: BTreeMap<i64, Vec<(f64, f64)>> = BTreeMap::new();
        for (x, colour) in values {
            if let Some((x, _)) = notes.place(frame, (*x, row)) {
                columns
                    .entry((x / DOT).floor() as i64)
                    .or_default()
                    .push((x, *colour));
            }
        }
        let middle = frame.y.place(row).unwrap_or_default();
        let fullest = columns.values().map(Vec::len).max().unwrap_or_default();
        for (column, mut stack) in columns {
            points += stack.len();
            stack.sort_by(|a, b| a.1.total_cmp(&b.1));
            let shown = if fullest > most {
                (stack.len() * most).div_ceil(fullest)
            } else {
                stack.len()
            };
            let stack = evenly(&stack, shown);
            dots += stack.len();
            draw_stack(
                &stack,
                (column as f64 * DOT + DOT / 2.0, middle),
                swarm,
                &mut paths,
            );
        }
    }
    if dots < points {
        notes.thinned = (notes.thinned.0 + points, notes.thinned.1 + dots);
    }
    let width = format!(" stroke-width=\"{DOT}\"");
    for ((_, class), path) in paths {
        canvas.path_with(&format!("p-dots {class}"), path, &width, None);
    }
}

/// At most `most` of the items, evenly chosen.
fn evenly(items: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if items.len() <= most {
        return items.to_vec();
    }
    (0..most)
        .map(|place| items[(place * 2 + 1) * items.len() / (most * 2)])
        .collect()
}

fn draw_stack(stack: &[(f64, f64)], (x, middle): (f64, f64), swarm: &Swarm, paths: &mut Paths) {
    let first = middle + (stack.len() as f64 - 1.0) / 2.0 * DOT;
    for (place, (own_x, colour)) in stack.iter().enumerate() {
        let class = swarm.ramp.tone(*colour).class();
        // a point alone stands where it is, others in their column
        let x = if stack.len() == 1 { *own_x } else { x };
        paths
            .entry((class.len(), class))
            .or_default()
            .dot((x, first - place as f64 * DOT));
    }
}
