//! Metrics of the files that stages write: single values, and values by step.
//!
//! A number is a value. A list of numbers is a value a step; a list of mappings that each name their step (`step`, `epoch`,
//! …) is a value a step of every other number in them, and so are the rows of a table that is drawn and has such a column.

use std::collections::BTreeMap;

use hpipe_core::{Mapping, Value};
use hpipe_track::DataTable;
use hpipe_track::ledger::Metric;

use super::words;

/// What a column of steps is called.
const STEPS: [&str; 6] = ["step", "epoch", "iteration", "round", "trial", "n_trees"];

/// What says when a value was measured, in milliseconds.
const TIME: &str = "timestamp";

/// Values of one run at most, so that a table that is no training does not drown the records.
const MOST: usize = 100_000;

/// A value of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    value: f64,
    step: i64,
    time: Option<i64>,
}

/// Values by name.
pub(super) type Points = BTreeMap<String, Vec<Point>>;

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        _ => None,
    }
}

fn whole(value: &Value) -> Option<i64> {
    value.whole().and_then(|number| i64::try_from(number).ok())
}

/// The metrics of a metrics file.
pub(super) fn of_document(document: &Value) -> Points {
    let mut points = Points::new();
    for (path, leaf) in document.leaves() {
        match leaf {
            Value::List(items) => of_list(&path, items, &mut points),
            value => {
                let single = number(value).map(|value| Point {
                    value,
                    step: 0,
                    time: None,
                });
                if let Some(point) = single {
                    points.entry(path).or_default().push(point);
                }
            }
        }
    }
    points
}

fn of_list(path: &str, items: &[Value], points: &mut Points) {
    let numbers: Option<Vec<_>> = items.iter().map(number).collect();
    if let Some(numbers) = numbers {
        let steps = numbers.into_iter().enumerate();
        let series = steps.map(|(step, value)| Point {
            value,
            step: step as i64,
            time: None,
        });
        points.entry(path.to_owned()).or_default().extend(series);
        return;
    }
    for item in items.iter().filter_map(Value::as_map) {
        let Some((step_name, step)) = step_of(item) else {
            continue;
        };
        let time = item.get(TIME).and_then(whole);
        for (name, value) in item.iter() {
            if name == step_name || (name == TIME && time.is_some()) {
                continue;
            }
            let Some(value) = number(value) else { continue };
            let name = match path {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            let series = points.entry(name).or_default();
            series.push(Point { value, step, time });
        }
    }
}

fn step_of(item: &Mapping) -> Option<(&'static str, i64)> {
    STEPS
        .into_iter()
        .find_map(|name| Some((name, item.get(name).and_then(whole)?)))
}

/// The metrics of a table that has a column of steps; of others none.
pub(super) fn of_table(table: &DataTable) -> Points {
    let mut points = Points::new();
    let steps = STEPS.into_iter().find_map(|name| {
        let column = table.column(name)?;
        Some((name, column.iter().map(whole).collect::<Option<Vec<_>>>()?))
    });
    let Some((step_name, steps)) = steps else {
        return points;
    };
    let times = table.column(TIME);
    for name in table.names() {
        if name == step_name || name == TIME {
            continue;
        }
        let column = table.column(name).unwrap_or_default();
        let rows = steps.iter().zip(column).enumerate();
        let series = rows.filter_map(|(row, (step, value))| {
            Some(Point {
                value: number(value)?,
                step: *step,
                time: times.and_then(|times| times.get(row)).and_then(whole),
            })
        });
        let series: Vec<_> = series.collect();
        if !series.is_empty() {
            points.insert(name.to_owned(), series);
        }
    }
    points
}

/// The metrics of several files, by what each is called.
///
/// A name that files of one kind share is told apart by the file, and so is that of a table whose last value is not what a
/// document says under that name; where both say the same, the table adds the steps.
pub(super) fn united(
    mut documents: Vec<(String, Points)>,
    tables: Vec<(String, Points)>,
    now: i64,
) -> Vec<Metric> {
    for (_, points) in &mut documents {
        points.retain(|name, single| !tables.iter().any(|(_, table)| goes_on(table, name, single)));
    }
    let of_documents = uses(&documents);
    let mut of_all = uses(&tables);
    for name in of_documents.keys() {
        *of_all.entry(name.clone()).or_default() += 1;
    }
    let mut metrics = Vec::new();
    add(documents, &of_documents, now, &mut metrics);
    add(tables, &of_all, now, &mut metrics);
    thinned(metrics, MOST)
}

/// About `most` of the values at most: of each metric the same share, at even distances, and its last in any case, for that
/// is what the run is known by.
fn thinned(metrics: Vec<Metric>, most: usize) -> Vec<Metric> {
    let every = metrics.len().div_ceil(most).max(1);
    if every == 1 {
        return metrics;
    }
    let series = metrics.chunk_by(|one, other| one.key == other.key);
    let kept = series.flat_map(|series| {
        let places = series.iter().enumerate();
        let last = places.clone().max_by_key(|(_, metric)| metric.step);
        let last = last.map(|(place, _)| place);
        places.filter(move |(place, _)| place % every == 0 || last == Some(*place))
    });
    kept.map(|(_, metric)| metric.clone()).collect()
}

/// Whether a table ends with what a document says under this name.
fn goes_on(table: &Points, name: &str, single: &[Point]) -> bool {
    let last = table.get(name).and_then(|series| series.last());
    last.is_some_and(|last| matches!(single, [only] if only.value == last.value))
}

fn uses(files: &[(String, Points)]) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for name in files.iter().flat_map(|(_, points)| points.keys()) {
        *uses.entry(name.clone()).or_default() += 1;
    }
    uses
}

fn add(
    files: Vec<(String, Points)>,
    uses: &BTreeMap<String, usize>,
    now: i64,
    metrics: &mut Vec<Metric>,
) {
    for (file, points) in files {
        for (name, series) in points {
            let name = match uses.get(&name) {
                Some(1) => name,
                _ => format!("{file}.{name}"),
            };
            metrics.extend(series.into_iter().map(|point| Metric {
                key: words::key(&name),
                value: point.value,
                timestamp: point.time.filter(|time| *time >= 0).unwrap_or(now),
                step: point.step,
                ..Metric::default()
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use hpipe_core::ProjectPath;
    use hpipe_track::read_metrics;

    use super::*;

    fn told(documents: Vec<(String, Points)>, tables: Vec<(String, Points)>) -> Vec<String> {
        let metrics = united(documents, tables, 7);
        let told = metrics.iter().map(|metric| {
            let Metric {
                key,
                value,
                step,
                timestamp,
                ..
            } = metric;
            format!("{key} {value} {step} {timestamp}")
        });
        told.collect()
    }

    fn document(text: &str) -> Points {
        let path = ProjectPath::new("metrics.json");
        of_document(&read_metrics(&path, text).expect("it is JSON"))
    }

    #[test]
    fn of_too_many_values_an_even_share_is_kept_and_the_last() {
        let series = |key: &str, steps: i64| {
            let metrics = (0..steps).map(|step| Metric {
                key: key.to_owned(),
                step,
                ..Metric::default()
            });
            metrics.collect::<Vec<_>>()
        };
        let all = [series("a", 6), series("b", 1), series("c", 5)].concat();
        let steps = |most| {
            let kept = thinned(all.clone(), most).into_iter();
            let told = kept.map(|metric| format!("{}{}", metric.key, metric.step));
            told.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(steps(12), "a0 a1 a2 a3 a4 a5 b0 c0 c1 c2 c3 c4");
        assert_eq!(steps(4), "a0 a3 a5 b0 c0 c3 c4");
        assert_eq!(steps(1), "a0 a5 b0 c0 c4");
    }

    #[test]
    fn numbers_lists_and_rows_are_metrics() {
        let text = r#"{"test": {"rmse": 0.5, "name": "x", "passed": true}, "loss": [3, 2],
            "train": [{"epoch": 1, "acc": 0.1, "timestamp": 5}, {"epoch": 2, "acc": 0.2}], "other": [{"a": 1}]}"#;
        assert_eq!(
            told(vec![("m".to_owned(), document(text))], vec![]),
            [
                "loss 3 0 7",
                "loss 2 1 7",
                "test.passed 1 0 7",
                "test.rmse 0.5 0 7",
                "train.acc 0.1 1 5",
                "train.acc 0.2 2 7",
            ]
        );
    }

    #[test]
    fn what_two_files_call_alike_is_told_apart() {
        let files = ["train", "test"].map(|name| (name.to_owned(), document(r#"{"rmse": 1}"#)));
        assert_eq!(
            told(files.into(), vec![]),
            ["train.rmse 1 0 7", "test.rmse 1 0 7"]
        );
    }

    #[test]
    fn a_table_adds_steps_to_what_a_document_says() {
        let path = ProjectPath::new("curve.csv");
        let text = "step,rmse\n1,0.5\n2,0.4\n";
        let curve = || of_table(&DataTable::read(&path, text, true).expect("a table"));
        let files = |metrics: &str| {
            let documents = vec![("m".to_owned(), document(metrics))];
            told(documents, vec![("curve".to_owned(), curve())])
        };
        assert_eq!(files(r#"{"rmse": 0.4}"#), ["rmse 0.5 1 7", "rmse 0.4 2 7"]);
        let told = files(r#"{"rmse": 0.3}"#);
        assert_eq!(
            told,
            ["rmse 0.3 0 7", "curve.rmse 0.5 1 7", "curve.rmse 0.4 2 7"]
        );
    }

    #[test]
    fn a_table_without_steps_has_no_metrics() {
        let path = ProjectPath::new("curve.csv");
        let read = |text| of_table(&DataTable::read(&path, text, true).expect("a table"));
        assert!(read("x,y\n1,2\n").is_empty());
        let curve = read("step,rmse,part\n1,0.5,a\n2,,b\n");
        assert_eq!(
            told(vec![], vec![("c".to_owned(), curve)]),
            ["rmse 0.5 1 7"]
        );
    }
}
