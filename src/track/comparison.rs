//! Metrics of several files, side by side.

use hpipe_core::Value;

/// How deep into a file metrics are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// As deep as it goes.
    All,
    /// As deep as leaves each file at most [`READABLE`] metrics, but at least the uppermost level that has any.
    Readable,
}

/// Metrics of one file that are still pleasant to read.
pub const READABLE: usize = 40;

/// A table: one column of cells a file, one row a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The files, in the order given.
    pub files: Vec<String>,
    /// Each metric with its value in each file, in the order the files first name them.
    pub rows: Vec<Row>,
    /// Metrics that lie too deep, by file.
    pub left_out: usize,
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
    pub fn new(files: &[(String, Value)], depth: Depth) -> Self {
        let mut comparison = Self {
            files: files.iter().map(|(file, _)| file.clone()).collect(),
            rows: Vec::new(),
            left_out: 0,
        };
        let mut places = std::collections::HashMap::new();
        for (column, (_, value)) in files.iter().enumerate() {
            let leaves = metrics(value);
            let kept = kept(&leaves, depth);
            for (metric, value) in leaves {
                match level(&metric) <= kept {
                    true => comparison.set(&mut places, column, metric, value),
                    false => comparison.left_out += 1,
                }
            }
        }
        comparison
    }

    fn set(
        &mut self,
        places: &mut std::collections::HashMap<String, usize>,
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

/// The metrics of one file with their paths.
fn metrics(value: &Value) -> Vec<(String, &Value)> {
    let mut leaves = value.leaves();
    leaves.retain(|(_, value)| {
        matches!(
            value,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_)
        )
    });
    leaves
}

/// How many levels a metric's name has.
fn level(metric: &str) -> usize {
    metric.split('.').count()
}

/// The deepest level that is shown.
fn kept(leaves: &[(String, &Value)], depth: Depth) -> usize {
    let deepest = leaves
        .iter()
        .map(|(metric, _)| level(metric))
        .max()
        .unwrap_or(0);
    let uppermost = leaves
        .iter()
        .map(|(metric, _)| level(metric))
        .min()
        .unwrap_or(0);
    let metrics_down_to = |kept: usize| {
        leaves
            .iter()
            .filter(|(metric, _)| level(metric) <= kept)
            .count()
    };
    match depth {
        Depth::All => deepest,
        Depth::Readable => (uppermost..=deepest)
            .rev()
            .find(|&kept| metrics_down_to(kept) <= READABLE)
            .unwrap_or(uppermost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_metrics;
    use hpipe_core::ProjectPath;

    fn compare(files: &[(&str, &str)], depth: Depth) -> Comparison {
        let read = |(file, text): &(&str, &str)| {
            let value = read_metrics(&ProjectPath::new(file), text).expect("the file is readable");
            ((*file).to_owned(), value)
        };
        Comparison::new(&files.iter().map(read).collect::<Vec<_>>(), depth)
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
        let both = compare(
            &[
                ("a.json", r#"{"test": {"rmse": 0.5}, "n": 1}"#),
                ("b.json", r#"{"test": {"rmse": 0.4, "r2": 1}}"#),
            ],
            Depth::Readable,
        );
        assert_eq!(names(&both), ["test.rmse", "n", "test.r2"]);
        assert_eq!(
            both.rows[0].values,
            [Some(Value::Float(0.5)), Some(Value::Float(0.4))]
        );
        assert_eq!(both.rows[1].values, [Some(Value::Int(1)), None]);
        assert_eq!(both.left_out, 0);
    }

    #[test]
    fn lists_and_nulls_are_no_metrics() {
        let one = compare(
            &[("a.json", r#"{"a": [1, 2], "b": null, "c": true, "d": "x"}"#)],
            Depth::All,
        );
        assert_eq!(names(&one), ["c", "d"]);
        assert_eq!(names(&compare(&[("a.json", "0.5")], Depth::All)), [""]);
    }

    #[test]
    fn what_floods_the_table_is_left_out() {
        let deciles: Vec<_> = (0..50).map(|i| format!("\"d{i}\": {i}")).collect();
        let text = format!(r#"{{"rmse": 1, "residuals": {{{}}}}}"#, deciles.join(","));
        let readable = compare(&[("a.json", &text)], Depth::Readable);
        assert_eq!((names(&readable), readable.left_out), (vec!["rmse"], 50));
        assert_eq!(compare(&[("a.json", &text)], Depth::All).rows.len(), 51);
    }

    #[test]
    fn the_uppermost_level_is_always_shown() {
        let entries: Vec<_> = (0..50).map(|i| format!("\"m{i}\": {i}")).collect();
        let text = format!("{{\"x\": {{{}}}}}", entries.join(","));
        assert_eq!(
            compare(&[("a.json", &text)], Depth::Readable).rows.len(),
            50
        );
    }
}
