//! What the graph joins, and each fault it refuses.

use super::*;
use crate::test_support::{graph_of, parse};

fn edges(text: &str) -> Vec<(String, String)> {
    let pipeline = parse(text);
    let name = |index: StageIndex| pipeline.stages[index.index()].name.to_string();
    graph_of(&pipeline)
        .edges()
        .into_iter()
        .map(|(from, to)| (name(from), name(to)))
        .collect()
}

/// Codes and messages of the faults in a pipeline, with the lines they point at.
fn faults(text: &str) -> String {
    let id = hpipe_core::Sources::default().add("pipeline.yaml", text);
    let mut sources = hpipe_core::Sources::default();
    assert_eq!(sources.add("pipeline.yaml", text), id);
    let found =
        Graph::new(&parse(text), &[ProjectPath::new("pipeline.yaml")]).expect_err("a fault");
    let lines = found.iter().map(|fault| {
        let places: Vec<_> = fault
            .labels
            .iter()
            .map(|label| sources.locate(label.span).line.to_string())
            .collect();
        format!(
            "{} line {}: {}",
            fault.code.text(),
            places.join(","),
            fault.message
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn joins_files_and_folders_in_every_direction() {
    let text = "
stages:
  file: {cmd: x, outs: [data/a.txt]}
  folder: {cmd: x, outs: [data/b]}
  exact: {cmd: x, deps: [data/a.txt]}
  inside: {cmd: x, deps: [data/b/one.txt]}
  around: {cmd: x, deps: [data]}
";
    let joined = edges(text);
    let expected = [
        ("file", "exact"),
        ("file", "around"),
        ("folder", "inside"),
        ("folder", "around"),
    ];
    assert_eq!(
        joined,
        expected.map(|(from, to)| (from.to_owned(), to.to_owned()))
    );
}

#[test]
fn a_params_file_can_be_an_out() {
    let text = "
stages:
  tune: {cmd: x, outs: [best.yaml]}
  train: {cmd: x, params: [best.yaml: [lr]]}
";
    assert_eq!(edges(text), [("tune".to_owned(), "train".to_owned())]);
}

#[test]
fn refuses_an_out_with_two_makers_in_any_spelling() {
    insta::assert_snapshot!(faults("
stages:
  a: {cmd: x, outs: [data/x]}
  b: {cmd: x, outs: [./data/../data//x]}
"), @"E014 line 4,3: stages `a` and `b` both make `data/x`");
}

#[test]
fn refuses_an_out_inside_another() {
    insta::assert_snapshot!(faults("
stages:
  a: {cmd: x, outs: [data]}
  b: {cmd: x, outs: [data/deep/x]}
"), @"E015 line 4,3: out `data/deep/x` of stage `b` lies inside out `data` of stage `a`");
}

#[test]
fn refuses_a_stage_that_needs_what_it_makes() {
    insta::assert_snapshot!(faults("
stages:
  a: {cmd: x, deps: [data/x], outs: [data]}
"), @"E016 line 3,3: stage `a` needs `data/x`, which it makes itself");
}

#[test]
fn refuses_a_circle_and_shows_the_way_round() {
    insta::assert_snapshot!(faults("
stages:
  a: {cmd: x, deps: [c.out], outs: [a.out]}
  b: {cmd: x, deps: [a.out], outs: [b.out]}
  c: {cmd: x, deps: [b.out], outs: [c.out]}
  d: {cmd: x, deps: [c.out]}
"), @"E013 line 3,4,5: stages need each other in a circle: a → b → c → a");
}

#[test]
fn refuses_cached_outs_outside_the_project() {
    insta::assert_snapshot!(faults("
stages:
  a: {cmd: x, outs: [../x, /tmp/y: {cache: false}]}
"), @"E017 line 3: out `../x` of stage `a` lies outside the project");
}

#[test]
fn refuses_an_out_that_holds_the_pipeline() {
    insta::assert_snapshot!(faults("
stages:
  a: {cmd: x, outs: [.]}
"), @"E019 line 3: out `.` of stage `a` contains `pipeline.yaml`, which hpipe needs");
}

#[test]
fn finds_all_faults_at_once() {
    let found = faults(
        "
stages:
  a: {cmd: x, outs: [x, x]}
  b: {cmd: x, deps: [y], outs: [y]}
",
    );
    insta::assert_snapshot!(found, @r"
    E014 line 3,3: stage `a` declares the out `x` twice
    E016 line 4,4: stage `b` needs `y`, which it makes itself
    ");
}
