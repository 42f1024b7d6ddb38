//! Freezing: what each layout becomes, and what is refused.

use hpipe_core::{Code, ProjectPath};
use hpipe_spec::set_frozen;

fn edit(text: &str, name: &str, frozen: bool) -> Result<Option<String>, Code> {
    set_frozen(&ProjectPath::new("dvc.yaml"), text, name, frozen)
        .map_err(|error| error.diagnostics[0].code)
}

/// Freezing makes `frozen` of `text`, and unfreezing makes `text` of that again.
#[track_caller]
fn check(text: &str, name: &str, frozen: &str) {
    assert_eq!(edit(text, name, true), Ok(Some(frozen.to_owned())));
    assert_eq!(edit(frozen, name, false), Ok(Some(text.to_owned())));
    assert_eq!(edit(text, name, false), Ok(None), "it is not frozen");
    assert_eq!(edit(frozen, name, true), Ok(None), "it is frozen");
}

#[test]
fn a_line_comes_and_goes() {
    check(
        "# top\nstages:\n  a: # first\n    # says x\n    cmd: \"echo\tx: #\"\n\n  b:\n    cmd: y",
        "a",
        "# top\nstages:\n  a: # first\n    frozen: true\n    # says x\n    cmd: \"echo\tx: #\"\n\n  b:\n    cmd: y",
    );
    check(
        "\u{feff}stages:\r\n    'b c':\r\n        cmd: |\r\n            x\r\n\r\n        deps: [a]\r\n",
        "b c",
        "\u{feff}stages:\r\n    'b c':\r\n        frozen: true\r\n        cmd: |\r\n            x\r\n\r\n        deps: [a]\r\n",
    );
}

#[test]
fn flow_style_stays_flow_style() {
    check(
        "stages: {a: {cmd: x}, b: {cmd: y}}\n",
        "b",
        "stages: {a: {cmd: x}, b: {frozen: true, cmd: y}}\n",
    );
    check(
        "{\"stages\": {\n  \"a\": {\n    \"cmd\": \"x\"\n  }\n}}\n",
        "a",
        "{\"stages\": {\n  \"a\": {\"frozen\": true,\n    \"cmd\": \"x\"\n  }\n}}\n",
    );
    let last = "stages:\n  a: {cmd: x, frozen: true}\n";
    assert_eq!(
        edit(last, "a", false),
        Ok(Some("stages:\n  a: {cmd: x}\n".into()))
    );
}

#[test]
fn a_group_is_frozen_as_a_whole() {
    check(
        "stages:\n  t:\n    foreach: [1, 2]\n    do:\n      cmd: x ${item}\n",
        "t",
        "stages:\n  t:\n    foreach: [1, 2]\n    do:\n      frozen: true\n      cmd: x ${item}\n",
    );
    check(
        "stages:\n  t:\n    matrix: {a: [1]}\n    cmd: x ${item.a}\n",
        "t",
        "stages:\n  t:\n    frozen: true\n    matrix: {a: [1]}\n    cmd: x ${item.a}\n",
    );
    let group = "stages:\n  t:\n    foreach: [1, 2]\n    do:\n      cmd: x ${item}\n";
    assert_eq!(edit(group, "t@1", true), Err(Code::UnfitForEdit));
    assert_eq!(edit(group, "s@1", true), Err(Code::UnknownTarget));
}

#[test]
fn a_word_changes_where_the_line_says_more() {
    let text = "stages:\n  a:\n    cmd: x\n    frozen: true # until the data is mended\n";
    let thawed = text.replace("true", "false");
    assert_eq!(edit(text, "a", false), Ok(Some(thawed.clone())));
    assert_eq!(edit(&thawed, "a", true), Ok(Some(text.to_owned())));
    let empty = "stages:\n  a:\n    cmd: x\n    frozen:\n    deps: [b]\n";
    let set = empty.replace("frozen:", "frozen: true");
    assert_eq!(edit(empty, "a", true), Ok(Some(set)));
}

#[test]
fn what_is_merged_in_is_overruled() {
    let text = "x: &x {frozen: true}\nstages:\n  a:\n    <<: *x\n    cmd: x\n";
    let thawed = text.replace("    <<", "    frozen: false\n    <<");
    let edited = edit(text, "a", false);
    let also = text.replace("    cmd", "    frozen: false\n    cmd");
    assert!(
        edited == Ok(Some(thawed)) || edited == Ok(Some(also)),
        "{edited:?}"
    );
}

#[test]
fn what_others_share_is_refused() {
    let shared = "stages:\n  a: &a\n    cmd: x\n  b:\n    <<: *a\n    wdir: b\n";
    assert_eq!(edit(shared, "a", true), Err(Code::UnfitForEdit));
    let alias = "stages:\n  a: &a\n    cmd: x\n  b: *a\n";
    assert_eq!(edit(alias, "b", true), Err(Code::UnfitForEdit));
    assert_eq!(edit("stages: [", "b", true), Err(Code::Syntax));
    assert_eq!(
        edit("stages:\n  trial: {cmd: x}\n", "trail", true),
        Err(Code::UnknownTarget)
    );
    assert_eq!(edit("", "a", true), Err(Code::UnknownTarget));
}

#[test]
fn an_anchor_that_nobody_uses_is_no_hindrance() {
    check(
        "stages:\n  a: &a\n    cmd: x\n",
        "a",
        "stages:\n  a: &a\n    frozen: true\n    cmd: x\n",
    );
}
