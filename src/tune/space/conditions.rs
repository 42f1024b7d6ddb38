//! What the conditions of a space imply: who is active together, and who never is.
//!
//! The *reach* of a parameter is its own conditions and those of everything it depends on, taken together: for each
//! parent the values that all of them allow. As a reach says everything about every parent it names, a parameter can be
//! active exactly when none of these sets is empty.

use std::collections::BTreeMap;

use super::{Condition, Param};

/// For each parent the values it may have; sorted.
type Reach = BTreeMap<usize, Vec<f64>>;

/// The reach of a parameter with the conditions `when`, given those of the parameters before it.
pub(super) fn reach(when: &[Condition], before: &[Reach]) -> Reach {
    let mut reach = Reach::new();
    for condition in when {
        for (parent, allowed) in &before[condition.parent] {
            restrict(&mut reach, *parent, allowed);
        }
        restrict(&mut reach, condition.parent, &condition.allowed);
    }
    reach
}

fn restrict(reach: &mut Reach, parent: usize, allowed: &[f64]) {
    reach
        .entry(parent)
        .and_modify(|values| values.retain(|value| allowed.contains(value)))
        .or_insert_with(|| allowed.to_vec());
}

/// A parent that would have to have two values at once, if there is one.
pub(super) fn contradiction(reach: &Reach) -> Option<usize> {
    reach
        .iter()
        .find(|(_, allowed)| allowed.is_empty())
        .map(|(parent, _)| *parent)
}

/// Parameters with equal reach, ordered by the first of each group.
///
/// All members are declared after every parent they have in common, so a group comes after those it depends on.
pub(super) fn groups(params: &[Param]) -> Vec<Vec<usize>> {
    let mut reaches: Vec<Reach> = Vec::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, param) in params.iter().enumerate() {
        let reach = reach(&param.when, &reaches);
        match groups.iter_mut().find(|group| reaches[group[0]] == reach) {
            Some(group) => group.push(place),
            None => groups.push(vec![place]),
        }
        reaches.push(reach);
    }
    groups
}
