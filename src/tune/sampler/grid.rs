//! Grid search: every combination of the values of a grid, in order.
//!
//! A parameter that is not active has no value and multiplies nothing, so a conditional space has as many points as there
//! are different combinations of active values.

use crate::space::{Point, Space};

/// The first point, or the one after `last`; none when that was the last.
pub(super) fn after(space: &Space, last: Option<&Point>) -> Option<Point> {
    let Some(last) = last else {
        let mut point = space.empty();
        space.complete(&mut point, |_, domain| domain.grid_value(0));
        return Some(point);
    };
    let place = (0..space.params().len())
        .rev()
        .find(|place| place_in_grid(space, last, *place).is_some_and(|(at, len)| at + 1 < len))?;
    let mut point = space.empty();
    (0..place).for_each(|before| point.set(before, last.get(before)));
    let (at, _) = place_in_grid(space, last, place)?;
    point.set(place, Some(space.params()[place].domain.grid_value(at + 1)));
    space.complete(&mut point, |_, domain| domain.grid_value(0));
    Some(point)
}

/// Where in its grid a parameter is, and how long that is; none if it is not active.
fn place_in_grid(space: &Space, point: &Point, param: usize) -> Option<(u64, u64)> {
    let value = point.get(param)?;
    let domain = &space.params()[param].domain;
    let len = domain.grid_len()?;
    // values rise with their place: the first that is not below
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if domain.grid_value(middle) < value {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Some((low, len))
}

/// How many points a grid has; none when a parameter does not say, or when there are more than a `u64` or a search
/// through its conditions can count.
pub(crate) fn total(space: &Space) -> Option<u64> {
    let mut budget = 1_000_000;
    count_from(space, 0, &mut space.empty(), &mut budget)
}

/// The number of ways to complete a point from a parameter on.
///
/// Only values that others depend on are told apart; the rest multiplies.
fn count_from(space: &Space, param: usize, point: &mut Point, budget: &mut u64) -> Option<u64> {
    if param == space.params().len() {
        return Some(1);
    }
    if !space.is_active(param, point) {
        return count_from(space, param + 1, point, budget);
    }
    let domain = &space.params()[param].domain;
    let len = domain.grid_len()?;
    let is_parent = space
        .params()
        .iter()
        .any(|other| other.when.iter().any(|c| c.parent == param));
    if !is_parent {
        return len.checked_mul(count_from(space, param + 1, point, budget)?);
    }
    let mut total = 0_u64;
    for place in 0..len {
        *budget = budget.checked_sub(1)?;
        point.set(param, Some(domain.grid_value(place)));
        total = total.checked_add(count_from(space, param + 1, point, budget)?)?;
    }
    point.set(param, None);
    Some(total)
}
