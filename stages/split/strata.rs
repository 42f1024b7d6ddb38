//! Strata: groups of rows that shall be divided alike.

use std::collections::BTreeMap;

use crate::statistics::Sorted;
use crate::table::{Column, Values};

/// Groups rows by the column: its words, or `bins` ranges of its numbers between quantiles.
///
/// Rows without a value are a stratum of their own. Equal values fall into one range, so that many equal values (a capped
/// target) can make fewer ranges than `bins`. Strata come in ascending order, rows within one in the table's order; no
/// stratum is empty.
pub(super) fn of(column: &Column, bins: usize) -> Vec<Vec<usize>> {
    match &column.values {
        Values::Number(numbers) => ranges(numbers, bins),
        Values::Integer(numbers) => {
            let numbers: Vec<_> = numbers.iter().map(|n| n.map(|n| n as f64)).collect();
            ranges(&numbers, bins)
        }
        Values::Text(words) => group(words.iter().map(Option::as_deref)),
        Values::Boolean(values) => group(values.iter().copied()),
    }
}

fn ranges(numbers: &[Option<f64>], bins: usize) -> Vec<Vec<usize>> {
    let present = Sorted::new(numbers.iter().flatten().copied().collect());
    let bounds = present.bounds(bins);
    let bin = |x: f64| bounds.partition_point(|bound| *bound <= x);
    group(numbers.iter().map(|value| value.map(bin)))
}

fn group<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (row, key) in keys.enumerate() {
        groups.entry(key).or_default().push(row);
    }
    groups.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: Values, bins: usize, expect: &[&[usize]]) {
        let column = Column {
            name: "c".into(),
            values,
        };
        assert_eq!(of(&column, bins), expect);
    }

    #[test]
    fn numbers_are_cut_at_quantiles() {
        let numbers = [4.0, 1.0, 3.0, 2.0].map(Some).to_vec();
        check(Values::Number(numbers), 2, &[&[1, 3], &[0, 2]]);
        check(
            Values::Integer(vec![Some(5), None, Some(5)]),
            4,
            &[&[1], &[0, 2]],
        );
        check(Values::Number(vec![]), 3, &[]);
    }

    #[test]
    fn words_are_strata() {
        let words = [Some("b"), None, Some("a"), Some("b")];
        let words = words.map(|word| word.map(str::to_owned)).to_vec();
        check(Values::Text(words), 10, &[&[1], &[2], &[0, 3]]);
        check(
            Values::Boolean(vec![Some(true), Some(false)]),
            2,
            &[&[1], &[0]],
        );
    }
}
