//! New stages: where they are written and how.

use hpipe_core::{Code, ProjectPath};
use hpipe_spec::{NewOut, NewParams, NewStage, add_stage};

fn stage() -> NewStage {
    NewStage {
        name: "new".into(),
        cmd: vec!["echo x > out".into()],
        deps: vec!["a b.txt".into(), "*.csv".into()],
        ..NewStage::default()
    }
}

fn add(text: &str, stage: &NewStage, replace: bool) -> Result<String, Code> {
    add_stage(&ProjectPath::new("pipeline.yaml"), text, stage, replace)
        .map_err(|error| error.diagnostics[0].code)
}

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(add(text, &stage(), false).as_deref(), Ok(expect));
}

const BLOCK: &str =
    "  new:\n    cmd: echo x > out\n    deps:\n      - a b.txt\n      - \"*.csv\"\n";

#[test]
fn everything_a_stage_says_is_written() {
    let out = |path: &str, cache, persist| NewOut {
        path: path.into(),
        cache,
        persist,
    };
    let stage = NewStage {
        name: "train@x".into(),
        desc: Some("fits: it".into()),
        cmd: vec!["a".into(), "b".into()],
        wdir: Some("sub".into()),
        deps: vec!["d".into()],
        params: vec![
            NewParams {
                file: None,
                keys: vec!["lr".into(), "train.n".into()],
            },
            NewParams {
                file: Some("p.toml".into()),
                keys: vec!["x".into()],
            },
            NewParams {
                file: Some("q.json".into()),
                keys: vec![],
            },
        ],
        outs: vec![out("model", true, true), out("log", false, true)],
        metrics: vec![out("m.json", false, false)],
        plots: vec![out("p.csv", true, false)],
        always_changed: true,
    };
    let expect = "stages:\n  train@x:\n    desc: \"fits: it\"\n    cmd:\n      - a\n      - b\n    wdir: sub\n    deps:\n      - d\n    \
                  params:\n      - lr\n      - train.n\n      - p.toml:\n          - x\n      - q.json:\n    \
                  outs:\n      - model:\n          persist: true\n      - log:\n          cache: false\n          persist: true\n    \
                  metrics:\n      - m.json:\n          cache: false\n    plots:\n      - p.csv\n    always_changed: true\n";
    assert_eq!(add("", &stage, false).as_deref(), Ok(expect));
}

#[test]
fn it_follows_the_last_stage() {
    check(
        "stages:\n  a:\n    cmd: x\n",
        &format!("stages:\n  a:\n    cmd: x\n{BLOCK}"),
    );
    check(
        "stages:\n  a:\n    cmd: x",
        &format!("stages:\n  a:\n    cmd: x\n{BLOCK}"),
    );
    check(
        "stages:\n  a:\n    cmd: x # c\n    # deps: [b]\n\n  # old:\n\n# metrics\nmetrics: [m]\n",
        &format!(
            "stages:\n  a:\n    cmd: x # c\n    # deps: [b]\n\n  # old:\n{BLOCK}\n# metrics\nmetrics: [m]\n"
        ),
    );
    check(
        "stages:\n  a: {cmd: x}\n\n  b:\n    cmd: |+\n      y\n\n\nvars: [v]\n",
        &format!("stages:\n  a: {{cmd: x}}\n\n  b:\n    cmd: |+\n      y\n\n\n{BLOCK}vars: [v]\n"),
    );
}

#[test]
fn it_is_laid_out_as_the_others() {
    check(
        "stages:\r\n    a:\r\n        cmd: x\r\n        deps:\r\n        - y\r\n\r\n    b:\r\n        cmd: x\r\n",
        "stages:\r\n    a:\r\n        cmd: x\r\n        deps:\r\n        - y\r\n\r\n    b:\r\n        cmd: x\r\n\r\n    \
         new:\r\n        cmd: echo x > out\r\n        deps:\r\n        - a b.txt\r\n        - \"*.csv\"\r\n",
    );
}

#[test]
fn a_file_without_stages_gets_some() {
    check("", &format!("stages:\n{BLOCK}"));
    check("# nothing yet", &format!("# nothing yet\nstages:\n{BLOCK}"));
    check("vars: [a]\n", &format!("vars: [a]\nstages:\n{BLOCK}"));
    check(
        "\u{feff}stages: # none\nvars: [a]\n",
        &format!("\u{feff}stages: # none\n{BLOCK}vars: [a]\n"),
    );
    check(
        "stages: {}\n",
        "stages: {\"new\": {\"cmd\": \"echo x > out\", \"deps\": [\"a b.txt\", \"*.csv\"]}}\n",
    );
    check(
        "{\"stages\": {\n  \"a\": {\"cmd\": \"x\"}\n}}\n",
        "{\"stages\": {\n  \"a\": {\"cmd\": \"x\"},\n  \"new\": {\"cmd\": \"echo x > out\", \"deps\": [\"a b.txt\", \"*.csv\"]}\n}}\n",
    );
    check(
        "{\"vars\": [\"a\"]}",
        "{\"vars\": [\"a\"], \"stages\": {\"new\": {\"cmd\": \"echo x > out\", \"deps\": [\"a b.txt\", \"*.csv\"]}}}",
    );
}

#[test]
fn a_taken_name_is_replaced_only_if_asked() {
    let text = "stages:\n  new:\n    cmd: |\n      old\n    outs: [o]\n  z:\n    cmd: z\n";
    assert_eq!(add(text, &stage(), false), Err(Code::Usage));
    let expect = "stages:\n  new:\n    cmd: echo x > out\n    deps: [a b.txt, \"*.csv\"]\n  z:\n    cmd: z\n";
    assert_eq!(
        add(text, &stage(), true).as_deref(),
        Ok(expect),
        "as `outs` was"
    );
    let text = text.replace("outs: [o]", "outs:\n      - o");
    let expect = format!("stages:\n{BLOCK}  z:\n    cmd: z\n");
    assert_eq!(add(&text, &stage(), true), Ok(expect));
    let flow = "stages: {new: {cmd: old}, z: {cmd: z}}\n";
    let expect = "stages: {new: {\"cmd\": \"echo x > out\", \"deps\": [\"a b.txt\", \"*.csv\"]}, z: {cmd: z}}\n";
    assert_eq!(add(flow, &stage(), true).as_deref(), Ok(expect));
}

#[test]
fn what_cannot_be_told_is_refused() {
    let shared = "stages:\n  new: &a\n    cmd: x\n  b: *a\n";
    assert_eq!(add(shared, &stage(), true), Err(Code::UnfitForEdit));
    assert_eq!(
        add("stages: [a]\n", &stage(), false),
        Err(Code::UnfitForEdit)
    );
    assert_eq!(add("stages: [", &stage(), false), Err(Code::Syntax));
    let alias = "x: &x {a: {cmd: y}}\nstages: *x\n";
    assert_eq!(add(alias, &stage(), false), Err(Code::UnfitForEdit));
}
