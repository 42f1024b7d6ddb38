//! The order of items within their ranks: few crossings, by sweeps of the barycenter heuristic.
//!
//! Source: K. Sugiyama, S. Tagawa, M. Toda, *Methods for visual understanding of hierarchical system structures* (1981);
//! counting of crossings after W. Barth, P. Mutzel, M. Jünger, *Simple and efficient bilayer cross counting* (2004).

use super::Layout;

/// Sweeps down and up; crossings hardly ever become fewer after the first few.
const SWEEPS: usize = 8;

/// The neighbours of each item in one direction.
pub(super) type Neighbours = Vec<Vec<usize>>;

/// Orders the ranks of `layout`.
pub(super) fn minimise_crossings(layout: &mut Layout) {
    let (above, below) = neighbours(layout);
    order_by_first_sight(layout, &below);
    let mut places = vec![0; layout.items.len()];
    let mut best = layout.ranks.clone();
    let mut fewest = crossings(layout, &below, &mut places);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        match sweep % 2 {
            0 => sweep_down(layout, &above, &mut places),
            _ => sweep_up(layout, &below, &mut places),
        }
        let count = crossings(layout, &below, &mut places);
        if count < fewest {
            fewest = count;
            best.clone_from(&layout.ranks);
        }
    }
    layout.ranks = best;
}

/// For each item those it has a segment to, above and below.
pub(super) fn neighbours(layout: &Layout) -> (Neighbours, Neighbours) {
    let mut above = vec![Vec::new(); layout.items.len()];
    let mut below = vec![Vec::new(); layout.items.len()];
    for &(from, to) in &layout.segments {
        below[from].push(to);
        above[to].push(from);
    }
    (above, below)
}

/// Orders each rank as a depth-first walk from the top meets it, so that what belongs together begins together.
fn order_by_first_sight(layout: &mut Layout, below: &Neighbours) {
    let mut seen = vec![false; layout.items.len()];
    let mut ranks = vec![Vec::new(); layout.ranks.len()];
    let mut roots: Vec<_> = (0..layout.items.len()).collect();
    roots.sort_by_key(|&item| layout.items[item].rank);
    for root in roots {
        let mut stack = vec![root];
        while let Some(item) = stack.pop() {
            if !std::mem::replace(&mut seen[item], true) {
                ranks[layout.items[item].rank].push(item);
                stack.extend(below[item].iter().rev().filter(|&&next| !seen[next]));
            }
        }
    }
    layout.ranks = ranks;
}

fn sweep_down(layout: &mut Layout, above: &Neighbours, places: &mut [usize]) {
    for rank in 1..layout.ranks.len() {
        note_places(&layout.ranks[rank - 1], places);
        reorder(&mut layout.ranks[rank], above, places);
    }
}

fn sweep_up(layout: &mut Layout, below: &Neighbours, places: &mut [usize]) {
    for rank in (0..layout.ranks.len().saturating_sub(1)).rev() {
        note_places(&layout.ranks[rank + 1], places);
        reorder(&mut layout.ranks[rank], below, places);
    }
}

/// Sorts a rank by the mean place of its neighbours; items that have none stay where they are.
fn reorder(row: &mut [usize], neighbours: &Neighbours, places: &[usize]) {
    let mean = |item: usize| {
        let sum: usize = neighbours[item].iter().map(|&other| places[other]).sum();
        (!neighbours[item].is_empty()).then(|| sum as f64 / neighbours[item].len() as f64)
    };
    let means: Vec<_> = row.iter().map(|&item| mean(item)).collect();
    let slots: Vec<_> = (0..row.len())
        .filter(|&slot| means[slot].is_some())
        .collect();
    let mut movable: Vec<_> = slots.iter().map(|&slot| (means[slot], row[slot])).collect();
    movable.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    for (slot, (_, item)) in slots.into_iter().zip(movable) {
        row[slot] = item;
    }
}

/// Notes the place of each item of a rank.
fn note_places(row: &[usize], places: &mut [usize]) {
    for (place, &item) in row.iter().enumerate() {
        places[item] = place;
    }
}

/// Number of pairs of segments that cross.
fn crossings(layout: &Layout, below: &Neighbours, places: &mut [usize]) -> usize {
    let pairs = layout.ranks.windows(2);
    pairs
        .map(|pair| crossings_between(&pair[0], &pair[1], below, places))
        .sum()
}

/// Crossings between two ranks: inversions of the targets, counted with a Fenwick tree.
fn crossings_between(
    upper: &[usize],
    lower: &[usize],
    below: &Neighbours,
    places: &mut [usize],
) -> usize {
    note_places(lower, places);
    let mut tree = Fenwick::new(lower.len());
    let mut crossings = 0;
    for &item in upper {
        crossings += below[item]
            .iter()
            .map(|&target| tree.above(places[target]))
            .sum::<usize>();
        below[item]
            .iter()
            .for_each(|&target| tree.add(places[target]));
    }
    crossings
}

/// Counts of numbers seen, with the count of those above one in logarithmic time.
struct Fenwick {
    sums: Vec<usize>,
    seen: usize,
}

impl Fenwick {
    fn new(size: usize) -> Self {
        Self {
            sums: vec![0; size + 1],
            seen: 0,
        }
    }

    fn add(&mut self, number: usize) {
        self.seen += 1;
        let mut i = number + 1;
        while i < self.sums.len() {
            self.sums[i] += 1;
            i += i & i.wrapping_neg();
        }
    }

    /// How many numbers above `number` were added.
    fn above(&self, number: usize) -> usize {
        let mut i = number + 1;
        let mut up_to = 0;
        while i > 0 {
            up_to += self.sums[i];
            i -= i & i.wrapping_neg();
        }
        self.seen - up_to
    }
}
