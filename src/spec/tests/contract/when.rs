//! `when:` decides which stages exist.

use insta::assert_snapshot;

use crate::support::{faults, pipeline};

fn names(text: &str, params: &str) -> (Vec<String>, Vec<String>) {
    let pipeline = pipeline(text, &[("params.yaml", params)]);
    let stages = pipeline.stages.iter().map(|stage| stage.name.to_string());
    let absent = pipeline.absent.iter().map(|(name, _)| name.to_string());
    (stages.collect(), absent.collect())
}

#[test]
fn a_stage_exists_only_if_its_condition_holds() {
    let text = r#"
stages:
  a: {cmd: x, when: true}
  b: {cmd: x, when: "${fast}"}
  c: {cmd: x, when: "not ${fast} and ${model.kind} == ridge"}
  d: {cmd: x, when: "${model.kind} != 'ridge'"}
  e: {cmd: x, when: }
  f:
    foreach: [ridge, lasso]
    do: {cmd: x, when: "${item} == ${model.kind}"}
  g:
    matrix: {m: [ridge, lasso], n: [1, 2]}
    when: not (${item.m} == lasso and ${item.n} == 2)
    cmd: x
  h:
    cmd: x
    vars: [{local: 3}]
    when: ${local} == 3
"#;
    let (stages, absent) = names(text, "fast: false\nmodel: {kind: ridge}\n");
    let expect = [
        "a",
        "c",
        "e",
        "f@ridge",
        "g@ridge-1",
        "g@ridge-2",
        "g@lasso-1",
        "h",
    ];
    assert_eq!(stages, expect);
    assert_eq!(absent, ["b", "d", "f@lasso", "g@lasso-2"]);
}

#[test]
fn what_a_stage_says_that_does_not_exist_is_not_interpolated() {
    let text = "stages:\n  a: {cmd: \"run ${model.path}\", when: \"${has_model}\"}\n";
    let (stages, absent) = names(text, "has_model: false\n");
    assert_eq!((stages.len(), absent.len()), (0, 1));
}

#[test]
fn a_template_in_a_value_is_no_part_of_the_condition() {
    let text = "stages:\n  a: {cmd: x, when: \"${name} == 'b'\"}\n";
    let (stages, _) = names(text, "name: \"b' or 'b\"\n");
    assert!(stages.is_empty());
}

#[test]
fn what_is_no_condition_is_told() {
    let text = r#"
stages:
  a: {cmd: x, when: yes}
  b: {cmd: x, when: "${n}"}
  c: {cmd: x, when: [true]}
  d: {cmd: x, when: "${nothing} == 1"}
  e: {cmd: x, when: "${n} = 3"}
  f:
    foreach: [1, 2]
    do: {cmd: x, when: "${item} =="}
  g:
    foreach: [1]
    when: true
    do: {cmd: x}
vars: [{n: 3}]
"#;
    assert_snapshot!(faults(text, &[]), @r#"
    E003: `when` of stage `a` is no condition: `yes` is a text, neither true nor false
      pipeline.yaml:3:21 `yes`
      help: write `true` or `false`, or compare: `${a} == b and not (${c} or ${d} != 3)`
    E003: `when` of stage `b` is no condition: `${n}` is a number, neither true nor false
      pipeline.yaml:4:21 `\"${n}\"`
      help: write `true` or `false`, or compare: `${a} == b and not (${c} or ${d} != 3)`
    E003: `when` of stage `c` must be `true`, `false` or a condition, not a list
      pipeline.yaml:5:21 `[true]` this is a list
    E007: `nothing` is not defined
      pipeline.yaml:6:22 `${nothing}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E003: `when` of stage `e` is no condition: an operand needs `==` or `!=` after it
      pipeline.yaml:7:21 `\"${n} = 3\"`
      help: write `true` or `false`, or compare: `${a} == b and not (${c} or ${d} != 3)`
    E003: `when` of stage `f` is no condition: a value is missing at its end
      pipeline.yaml:10:24 `\"${item} ==\"`
      help: write `true` or `false`, or compare: `${a} == b and not (${c} or ${d} != 3)`
    E005: `when` of stage `g` stands beside `foreach`
      pipeline.yaml:13:5 `when`
      help: move it under `do`
    "#);
}
