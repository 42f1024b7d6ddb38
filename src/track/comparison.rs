//! Metrics of several files, side by side.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use hpipe_core::Value;

/// Metrics of one file that are still pleasant to read.
pub const READABLE: usize = 40;

/// A table: one column of cells a file, one row a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The files, in the order given.
    pub files: Vec<String>,
    /// Each metric with its value in each file, in the order the files first name them.
    pub rows: Vec<Row>,
}

/// A metric in each of the files.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its path within a file, joined by dots: `test.rmse`.
    pub metric: String,
    /// `n_files` values; none where a file does not have it.
    pub values: Vec<Option<Value>>,
}

impl Comparison {
    /// Sets the metrics of `files` side by side.
    ///
    /// Numbers, booleans and texts are metrics; lists and nulls are not, as in DVC. A file that is a single number has
    /// one metric, with an empty name.
    pub fn new(files: &[(String, Value)]) -> Self {
        let mut comparison = Self {
            files: files.iter().map(|(file, _)| file.clone()).collect(),
            rows: Vec::new(),
        };
        let mut places = HashMap::new();
        for (column, (_, value)) in files.iter().enumerate() {
            for (metric, value) in metrics(value) {
                comparison.set(&mut places, column, metric, value);
            }
        }
        comparison
    }

    fn set(
        &mut self,
        places: &mut HashMap<String, usize>,
        column: usize,
        metric: String,
        value: &Value,
    ) {
        let columns = self.files.len();
        let place = *places.entry(metric).or_insert_with_key(|metric| {
            self.rows.push(Row {
                metric: metric.clone(),
                values: vec![None; columns],
            });
            self.rows.len() - 1
        });
        self.rows[place].values[column] = Some(value.clone());
    }
}

/// Puts files together whose metrics are mostly named alike, in the order of the first of each group.
pub fn group_alike(files: &[(String, Value)]) -> Vec<Vec<(String, Value)>> {
    let mut groups: Vec<(HashSet<String>, Vec<_>)> = Vec::new();
    for file in files {
        let names = metrics(&file.1).into_iter().map(|(name, _)| name).collect();
        match groups.iter_mut().find(|(kind, _)| are_alike(kind, &names)) {
            Some((_, group)) => group.push(file.clone()),
            None => groups.push((names, vec![file.clone()])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Whether `a` and `b` share something, and each at least half of what it has.
pub(crate) fn are_alike<T: Eq + Hash>(a: &HashSet<T>, b: &HashSet<T>) -> bool {
    let shared = a.intersection(b).count();
    shared > 0 && 2 * shared >= a.len().max(b.len())
}

/// Whether `value` is what a metrics file is read for; lists and nulls are not, as in DVC.
pub(crate) const fn is_metric(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_)
    )
}

/// The metrics of one file with their paths.
fn metrics(value: &Value) -> Vec<(String, &Value)> {
    let mut leaves = value.leaves();
    leaves.retain(|(_, value)| is_metric(value));
    leaves
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_metrics;
    use hpipe_core::ProjectPath;

    fn read(files: &[(&str, &str)]) -> Vec<(String, Value)> {
        let read = |(file, text): &(&str, &str)| {
            let value = read_metrics(&ProjectPath::new(file), text).expect("the file is readable");
            ((*file).to_owned(), value)
        };
        files.iter().map(read).collect()
    }

    fn names(comparison: &Comparison) -> Vec<&str> {
        comparison
            .rows
            .iter()
            .map(|row| row.metric.as_str())
            .collect()
    }

    #[test]
    fn sets_files_side_by_side() {
        let both = Comparison::new(&read(&[
            ("a.json", r#"{"test": {"rmse": 0.5}, "n": 1}"#),
            ("b.json", r#"{"test": {"rmse": 0.4, "r2": 1}}"#),
        ]));
        assert_eq!(names(&both), ["test.rmse", "n", "test.r2"]);
        assert_eq!(
            both.rows[0].values,
            [Some(Value::Float(0.5)), Some(Value::Float(0.4))]
        );
        assert_eq!(both.rows[1].values, [Some(Value::Int(1)), None]);
    }

    #[test]
    fn lists_and_nulls_are_no_metrics() {
        let text = r#"{"a": [1, 2], "b": null, "c": true, "d": "x"}"#;
        let one = Comparison::new(&read(&[("a.json", text)]));
        assert_eq!(names(&one), ["c", "d"]);
        assert_eq!(names(&Comparison::new(&read(&[("a.json", "0.5")]))), [""]);
    }

    #[test]
    fn files_alike_come_together() {
        let files = read(&[
            ("a.json", r#"{"rmse": 1, "r2": 2, "n": 3}"#),
            ("other.json", r#"{"rows": 1, "n": 2, "verdict": "ok"}"#),
            ("empty.json", "{}"),
            ("b.json", r#"{"rmse": 1, "r2": 2, "ok": true}"#),
            ("none.json", ""),
        ]);
        let groups: Vec<Vec<_>> = group_alike(&files)
            .into_iter()
            .map(|group| group.into_iter().map(|(file, _)| file).collect())
            .collect();
        assert_eq!(
            groups,
            [
                vec!["a.json", "b.json"],
                vec!["other.json"],
                vec!["empty.json"],
                vec!["none.json"]
            ]
        );
    }
}
