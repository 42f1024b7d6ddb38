//! The places of items: each as near to the middle of its neighbours as the order and the gaps allow.

use super::Layout;
use super::order::{Neighbours, neighbours};

/// Sweeps down and up again.
const SWEEPS: usize = 8;

/// How much a bend insists on its wish where it goes on in another bend, against 1 for a node: long edges are straight.
const TRUNK_WEIGHT: f64 = 6.0;

/// How much a bend insists where its edge ends: a long edge that passes by moves nobody.
const TIP_WEIGHT: f64 = 0.2;

/// Gives every item its place, the leftmost beginning at 0.
///
/// The last sweep goes up: each node ends above the middle of what it feeds, so that chains are straight. What feeds
/// nothing then follows what moved above it.
pub(super) fn place(layout: &mut Layout, gap: f64) {
    let (above, below) = neighbours(layout);
    let ranks = layout.ranks.len();
    (0..ranks).for_each(|rank| settle(layout, rank, gap, None));
    for _ in 0..SWEEPS {
        (1..ranks).for_each(|rank| settle(layout, rank, gap, Some(&above)));
        let upwards = (0..ranks.saturating_sub(1)).rev();
        upwards.for_each(|rank| settle(layout, rank, gap, Some(&below)));
    }
    let above_ends = above.into_iter().zip(&below);
    let above_ends =
        above_ends.map(|(above, below)| if below.is_empty() { above } else { Vec::new() });
    let above_ends: Neighbours = above_ends.collect();
    (1..ranks).for_each(|rank| settle(layout, rank, gap, Some(&above_ends)));
    shift_to_zero(layout);
}

/// Moves the items of a rank towards the middle of their neighbours; an item without one wants to stay.
fn settle(layout: &mut Layout, rank: usize, gap: f64, neighbours: Option<&Neighbours>) {
    let none = Vec::new();
    let wish = |&item: &usize| {
        let near = neighbours.map_or(&none, |neighbours| &neighbours[item]);
        Wish {
            center: middle(layout, near).unwrap_or(layout.items[item].center),
            half: layout.items[item].width / 2.0,
            weight: weight(layout, item, near),
        }
    };
    let wishes: Vec<_> = layout.ranks[rank].iter().map(wish).collect();
    for (&item, center) in layout.ranks[rank].iter().zip(spread(&wishes, gap)) {
        layout.items[item].center = center;
    }
}

fn weight(layout: &Layout, item: usize, near: &[usize]) -> f64 {
    let goes_on = near.iter().any(|&other| layout.items[other].is_bend);
    match (layout.items[item].is_bend, goes_on) {
        (false, _) => 1.0,
        (true, true) => TRUNK_WEIGHT,
        (true, false) => TIP_WEIGHT,
    }
}

/// The mean of the middles of some items, bends counting only where there is no node; none if there is no item.
fn middle(layout: &Layout, of: &[usize]) -> Option<f64> {
    let mean = |bends: bool| {
        let items = of.iter().map(|&item| &layout.items[item]);
        let centers: Vec<_> = items
            .filter(|item| item.is_bend == bends)
            .map(|item| item.center)
            .collect();
        (!centers.is_empty()).then(|| centers.iter().sum::<f64>() / centers.len() as f64)
    };
    mean(false).or_else(|| mean(true))
}

/// Where an item of a row would like its middle to be.
pub(super) struct Wish {
    /// The middle.
    center: f64,
    /// Half the item's width.
    half: f64,
    /// How much it insists.
    weight: f64,
}

/// The middles nearest to the wishes (least squares) that keep the order and a `gap` between neighbours.
///
/// With the room that items to the left need taken off, what is left to find is the nearest non-decreasing sequence:
/// isotonic regression, solved in one pass by pooling adjacent violators (Ayer et al., 1955).
pub(super) fn spread(wishes: &[Wish], gap: f64) -> Vec<f64> {
    let offsets = offsets(wishes, gap);
    // Blocks of items that touch: weighted sum of their wishes, weight, number of items.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (wish, offset) in wishes.iter().zip(&offsets) {
        let mut block = ((wish.center - offset) * wish.weight, wish.weight, 1);
        while let Some(&(sum, weight, n)) = blocks.last()
            && sum / weight >= block.0 / block.1
        {
            block = (block.0 + sum, block.1 + weight, block.2 + n);
            blocks.pop();
        }
        blocks.push(block);
    }
    let starts = blocks
        .into_iter()
        .flat_map(|(sum, weight, n)| std::iter::repeat_n(sum / weight, n));
    starts
        .zip(offsets)
        .map(|(start, offset)| start + offset)
        .collect()
}

/// The middle of each item when all stand as close as they may, the first one's being 0.
fn offsets(wishes: &[Wish], gap: f64) -> Vec<f64> {
    let mut offset = 0.0;
    let mut previous: Option<&Wish> = None;
    let next = |wish| {
        let wish: &Wish = wish;
        offset += previous.map_or(0.0, |left| left.half + gap + wish.half);
        previous = Some(wish);
        offset
    };
    wishes.iter().map(next).collect()
}

fn shift_to_zero(layout: &mut Layout) {
    let left = layout
        .items
        .iter()
        .map(super::Item::left)
        .fold(f64::INFINITY, f64::min);
    for item in &mut layout.items {
        item.center -= left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wishes: &[f64], expect: &[f64]) {
        let wish = |&center: &f64| Wish {
            center,
            half: 1.0,
            weight: 1.0,
        };
        let wishes: Vec<_> = wishes.iter().map(wish).collect();
        assert_eq!(spread(&wishes, 1.0), expect);
    }

    #[test]
    fn items_stand_where_they_wish_or_share_the_loss() {
        check(&[], &[]);
        check(&[5.0], &[5.0]);
        check(&[0.0, 10.0], &[0.0, 10.0]);
        check(&[5.0, 5.0], &[3.5, 6.5]);
        check(&[5.0, 5.0, 5.0], &[2.0, 5.0, 8.0]);
        check(&[9.0, 0.0], &[3.0, 6.0]);
    }
}
