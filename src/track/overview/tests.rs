//! Metrics files arranged: what becomes a line, what a table, what is left out.

use std::fmt::Write;

use hpipe_core::ProjectPath;

use super::*;
use crate::read_metrics;

/// The overview of a file: its lines, then each table as rows of text.
fn overview(text: &str, depth: Depth) -> String {
    let file = read_metrics(&ProjectPath::new("m.json"), text).expect("the file is readable");
    let overview = Overview::new(&file, depth);
    let mut shown = String::new();
    for (name, value) in &overview.lines {
        writeln!(shown, "{name}: {value}").expect("a text takes everything");
    }
    for table in &overview.tables {
        writeln!(shown, "{:?} {:?}", table.labels, table.columns).expect("a text takes everything");
        for row in &table.rows {
            let values = row.values.iter().map(|value| match value {
                Some(value) => value.to_string(),
                None => "-".to_owned(),
            });
            let values: Vec<_> = values.collect();
            writeln!(shown, "  {:?} {}", row.labels, values.join(" "))
                .expect("a text takes everything");
        }
    }
    if overview.left_out > 0 {
        writeln!(shown, "and {} more", overview.left_out).expect("a text takes everything");
    }
    shown
}

fn entries(n: usize, entry: impl Fn(usize) -> String) -> String {
    (0..n).map(entry).collect::<Vec<_>>().join(",")
}

#[test]
fn levels_that_repeat_are_labels() {
    let text = r#"{"best": "b", "models": {
        "a": {"kind": "x", "scores": {"train": {"rmse": 1, "r2": 2}, "test": {"rmse": 3, "r2": 4}}, "mean": 0},
        "b": {"kind": "y", "scores": {"train": {"rmse": 5, "r2": 6}, "test": {"rmse": 7}}, "mean": 9}}}"#;
    insta::assert_snapshot!(overview(text, Depth::Readable), @r#"
    best: b
    ["models", "scores"] ["rmse", "r2"]
      ["a", "train"] 1 2
      ["a", "test"] 3 4
      ["b", "train"] 5 6
      ["b", "test"] 7 -
    ["models"] ["kind", "mean"]
      ["a"] x 0
      ["b"] y 9
    "#);
}

#[test]
fn labels_may_stand_at_the_top() {
    let text = r#"{"train": {"rmse": 1}, "n": 3, "test": {"rmse": 2, "mae": 3}}"#;
    insta::assert_snapshot!(overview(text, Depth::Readable), @r#"
    n: 3
    [""] ["rmse", "mae"]
      ["train"] 1 -
      ["test"] 2 3
    "#);
}

#[test]
fn what_is_named_differently_is_no_table() {
    let text = r#"{"select": {"metric": "rmse", "part": "test"}, "limits": {"rmse": {"max": 1}, "r2": {"min": 0}}}"#;
    insta::assert_snapshot!(overview(text, Depth::Readable), @"
    select.metric: rmse
    select.part: test
    limits.rmse.max: 1
    limits.r2.min: 0
    ");
}

#[test]
fn kinds_of_siblings_are_tables_of_their_own() {
    let text = r#"{"a": {"x": 1, "y": 2}, "train": {"rmse": 3}, "b": {"x": 4, "y": 5}, "test": {"rmse": 6}, "odd": {"z": 7}}"#;
    insta::assert_snapshot!(overview(text, Depth::Readable), @r#"
    odd.z: 7
    [""] ["x", "y"]
      ["a"] 1 2
      ["b"] 4 5
    [""] ["rmse"]
      ["train"] 3
      ["test"] 6
    "#);
}

#[test]
fn keys_may_contain_dots() {
    let text = r#"{"m": {"a": {"x.y": 1, "x": {"y": 2}}, "b.c": {"x.y": 3, "x": {"y": 4}}}}"#;
    insta::assert_snapshot!(overview(text, Depth::Readable), @r#"
    ["m"] ["x.y", "x.y"]
      ["a"] 1 2
      ["b.c"] 3 4
    "#);
}

#[test]
fn lists_and_nulls_are_no_metrics() {
    let text = r#"{"folds": [[1, 2], [3, [4]]], "none": null, "x": {}, "m": {"a": {"l": [1]}, "b": {"l": [1]}}}"#;
    insta::assert_snapshot!(overview(text, Depth::All), @"");
}

#[test]
fn single_metrics_are_left_out_from_the_deepest_up() {
    let text = format!(
        r#"{{"rmse": 1, "residuals": {{{}}}}}"#,
        entries(50, |i| format!("\"d{i}\": {i}"))
    );
    insta::assert_snapshot!(overview(&text, Depth::Readable), @"
    rmse: 1
    and 50 more
    ");
    assert_eq!(overview(&text, Depth::All).lines().count(), 51);
}

#[test]
fn long_files_are_cut() {
    let text = format!("{{{}}}", entries(300, |i| format!("\"m{i}\": {i}")));
    let readable = overview(&text, Depth::Readable);
    assert_eq!(readable.lines().count(), READABLE + 1);
    assert!(readable.ends_with("and 260 more\n"), "{readable}");
}

#[test]
fn the_longest_table_is_cut_first() {
    let text = format!(
        r#"{{"classes": {{{}}}, "parts": {{"train": {{"loss": 1}}, "test": {{"loss": 2}}}}}}"#,
        entries(100, |i| format!("\"c{i}\": {{\"f1\": {i}, \"n\": 1}}"))
    );
    let readable = overview(&text, Depth::Readable);
    assert_eq!(readable.lines().count(), READABLE + 3);
    assert!(readable.contains(r#"["test"] 2"#), "{readable}");
    assert!(readable.ends_with("and 124 more\n"), "{readable}");
}
