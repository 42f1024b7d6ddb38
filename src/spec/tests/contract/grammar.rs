//! Everything a pipeline file may say, and what it then means.

use std::fmt::Write;

use hpipe_core::{Mapping, Value};
use hpipe_spec::{Action, OutKind, StageSpec};
use insta::assert_snapshot;

use crate::support::{parse_at, pipeline, sound, stage};

/// A stage as text, without its places.
fn describe(stage: &StageSpec) -> String {
    let mut text = format!("{}\n", stage.name);
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "  {key}: {value}");
    };
    match &stage.action {
        Action::Command(scripts) => {
            scripts
                .iter()
                .for_each(|script| line("cmd", format!("{:?}", script.text)));
        }
        Action::Builtin { name, with, .. } => {
            line("uses", format!("{name} {}", Value::Map(with.clone())))
        }
    }
    line("wdir", stage.wdir.to_string());
    for dep in &stage.deps {
        line(
            "dep",
            format!(
                "{}{}",
                role(dep.role.as_ref().map(|role| &*role.name)),
                dep.path
            ),
        );
    }
    for param in &stage.params {
        let names = param
            .keys
            .as_ref()
            .map(|keys| keys.iter().map(|(name, _)| &**name).collect::<Vec<_>>());
        line("param", format!("{} {names:?}", param.file));
    }
    for out in &stage.outs {
        let kind = match out.kind {
            OutKind::Out => "out",
            OutKind::Metric => "metric",
            OutKind::Plot => "plot",
        };
        let flags = format!("cache={} persist={}", out.cache, out.persist);
        let notes = if out.notes == Mapping::new() {
            String::new()
        } else {
            format!(" {}", Value::Map(out.notes.clone()))
        };
        line(
            kind,
            format!(
                "{}{} {flags}{notes}",
                role(out.role.as_ref().map(|role| &*role.name)),
                out.path
            ),
        );
    }
    for var in &stage.env {
        line("env", format!("{} {:?}", var.name, var.value));
    }
    if stage.frozen || stage.always_changed || stage.desc.is_some() {
        line(
            "flags",
            format!(
                "frozen={} always_changed={} {:?}",
                stage.frozen, stage.always_changed, stage.desc
            ),
        );
    }
    text
}

fn role(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("{name} = "))
}

fn described(text: &str, files: &[(&str, &str)]) -> String {
    pipeline(text, files).stages.iter().map(describe).collect()
}

fn names(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    pipeline(text, files)
        .stages
        .iter()
        .map(|stage| stage.name.to_string())
        .collect()
}

#[test]
fn all_keys_of_a_command() {
    let text = r#"
vars:
  - more.json
  - more.toml:depth
  - {raw: data/raw}
params: [params.yaml]
metrics: [metrics.json]
plots:
  - plots/
artifacts:
  model: {path: model.bin, type: model}
datasets: []
pools: {licence: 2}
stages:
  train:
    desc: trains ${model.name}
    meta: {owner: "${nobody}"}
    cmd:
      - python train.py --lr ${model.lr} --depth ${depth} --seed ${seed}
      - |
        echo "\${HOME}"
        echo done
    wdir: work
    vars:
      - local.yaml
    deps:
      - ../${raw}/train.csv
      - ./src//train.py
      - ${extra}
    params:
      - model.lr
      - model
      - other.toml:
          - a
          - b.c
      - whole.json:
      - empty.yaml: []
    outs:
      - model.bin:
          cache: false
          persist: true
          push: false
          remote: store
          desc: the model
          type: model
          labels: [a, b]
          checkpoint: true
      - ${extra}.out
      - "${extra}.flagged":
          cache: ${no}
    metrics:
      - metrics.json: {cache: false}
    plots:
      - loss.csv: {x: step, y: [loss, val], title: Loss, x_label: Step, y_label: Loss, header: true, template: linear}
    env:
      SEED: ${seed}
      HOME:
    frozen: ${yes}
    always_changed: true
"#;
    let files = [
        (
            "params.yaml",
            "model: {name: net, lr: 0.001}\nno: false\nyes: true\n",
        ),
        ("more.json", r#"{"seed": 7}"#),
        ("more.toml", "depth = 3\nseed = 8\n"),
        ("work/local.yaml", "extra: extra file\n"),
    ];
    assert_snapshot!(described(text, &files), @r#"
    train
      cmd: "python train.py --lr 0.001 --depth 3 --seed 7"
      cmd: "echo \"${HOME}\"\necho done\n"
      wdir: work
      dep: data/raw/train.csv
      dep: work/src/train.py
      dep: work/extra file
      param: work/params.yaml Some(["model.lr", "model"])
      param: work/other.toml Some(["a", "b.c"])
      param: work/whole.json None
      param: work/empty.yaml None
      out: work/model.bin cache=false persist=true {push: false, remote: store, desc: the model, type: model, labels: [a, b], checkpoint: true}
      out: work/extra file.out cache=true persist=false
      out: work/extra file.flagged cache=false persist=false
      metric: work/metrics.json cache=false persist=false
      plot: work/loss.csv cache=true persist=false {x: step, y: [loss, val], title: Loss, x_label: Step, y_label: Loss, header: true, template: linear}
      env: SEED Some("7")
      env: HOME None
      flags: frozen=true always_changed=true Some("trains net")
    "#);
}

#[test]
fn all_keys_of_a_builtin() {
    let text = r#"
stages:
  features:
    uses: features
    with:
      scale: standard
      ratios: ${ratios}
      layers: [64, {units: 32}]
    deps:
      train: data/train.parquet
      others: [data/a.parquet, data/b.parquet]
      absent:
    outs:
      table: {path: data/features.parquet, cache: false}
      parts:
        - a.parquet
        - {path: b.parquet, persist: true}
    metrics:
      report: report.json
    plots:
      curve: {path: curve.csv, x: a}
    env: [OMP_NUM_THREADS]
"#;
    let files = [("params.yaml", "ratios: {rooms: [AveRooms, AveOccup]}\n")];
    assert_snapshot!(described(text, &files), @r"
    features
      uses: features {scale: standard, ratios: {rooms: [AveRooms, AveOccup]}, layers: [64, {units: 32}]}
      wdir: .
      dep: train = data/train.parquet
      dep: others = data/a.parquet
      dep: others = data/b.parquet
      out: table = data/features.parquet cache=false persist=false
      out: parts = a.parquet cache=true persist=false
      out: parts = b.parquet cache=true persist=true
      metric: report = report.json cache=true persist=false
      plot: curve = curve.csv cache=true persist=false {x: a}
      env: OMP_NUM_THREADS None
    ");
}

#[test]
fn foreach_names_its_instances_as_dvc_does() {
    let template = |data: &str| {
        format!("stages:\n  a:\n    foreach: {data}\n    do:\n      cmd: x ${{item}}\n")
    };
    let items = |data: &str| {
        names(
            &template(data),
            &[("params.yaml", "list: [x, 1, 1.5]\nmap: {b: 1, a: 2}\n")],
        )
    };
    assert_eq!(
        items("[x, 1, true, 1e-7]"),
        ["a@x", "a@1", "a@true", "a@1e-07"]
    );
    assert_eq!(items("${list}"), ["a@x", "a@1", "a@1.5"]);
    assert_eq!(items("{k: 1, 2: x}"), ["a@k", "a@2"]);
    assert_eq!(items("${map}"), ["a@b", "a@a"]);
    assert!(items("[]").is_empty());
}

#[test]
fn foreach_over_mappings_has_key_and_item() {
    let text = r#"
stages:
  train:
    foreach:
      ridge: {alpha: 0.5}
      lasso: {alpha: 1}
    do:
      cmd: train ${key} --alpha ${item.alpha}
      outs: ["models/${key}.json"]
  shift:
    foreach: [{by: 1}, 2]
    do:
      cmd: shift
      vars: [{unit: m}]
      env: {UNIT: "${unit}"}
"#;
    assert_snapshot!(described(text, &[]), @r#"
    train@ridge
      cmd: "train ridge --alpha 0.5"
      wdir: .
      out: models/ridge.json cache=true persist=false
    train@lasso
      cmd: "train lasso --alpha 1"
      wdir: .
      out: models/lasso.json cache=true persist=false
    shift@0
      cmd: "shift"
      wdir: .
      env: UNIT Some("m")
      flags: frozen=false always_changed=true None
    shift@1
      cmd: "shift"
      wdir: .
      env: UNIT Some("m")
      flags: frozen=false always_changed=true None
    "#);
}

#[test]
fn matrix_multiplies_its_axes() {
    let text = r#"
stages:
  train:
    matrix:
      model: ${models}
      seed: [1, 2]
      grid: [{depth: 3}, [4]]
    cmd: train ${item.model} ${item.seed} ${key}
    frozen: ${flags.${item.model}}
"#;
    let files = [("params.yaml", "models: [ridge]\nflags: {ridge: true}\n")];
    assert_snapshot!(described(text, &files), @r#"
    train@ridge-1-grid0
      cmd: "train ridge 1 ridge-1-grid0"
      wdir: .
      flags: frozen=true always_changed=true None
    train@ridge-1-grid1
      cmd: "train ridge 1 ridge-1-grid1"
      wdir: .
      flags: frozen=true always_changed=true None
    train@ridge-2-grid0
      cmd: "train ridge 2 ridge-2-grid0"
      wdir: .
      flags: frozen=true always_changed=true None
    train@ridge-2-grid1
      cmd: "train ridge 2 ridge-2-grid1"
      wdir: .
      flags: frozen=true always_changed=true None
    "#);
}

#[test]
fn paths_are_relative_to_wdir_and_the_pipelines_folder() {
    let text = "stages:\n  a:\n    cmd: x\n    wdir: ../b\n    deps: [c, /d, ../../../e]\n    params: [p]\n";
    let parsed = parse_at("sub/folder/pipeline.yaml", text, &[]);
    assert_snapshot!(sound(parsed).stages.iter().map(describe).collect::<String>(), @r#"
    a
      cmd: "x"
      wdir: sub/b
      dep: sub/b/c
      dep: /d
      dep: ../e
      param: sub/b/params.yaml Some(["p"])
    "#);
}

#[test]
fn anchors_merge_keys_bom_and_crlf() {
    let text = "\u{feff}stages:\r\n  a: &a\r\n    cmd: one\r\n    deps: &deps [x]\r\n  b:\r\n    <<: *a\r\n    cmd: two\r\n  c:\r\n    <<: [{cmd: three}, *a]\r\n    outs: *deps\r\n";
    assert_snapshot!(described(text, &[]), @r#"
    a
      cmd: "one"
      wdir: .
      dep: x
    b
      cmd: "two"
      wdir: .
      dep: x
    c
      cmd: "three"
      wdir: .
      dep: x
      out: x cache=true persist=false
    "#);
}

#[test]
fn nothing_written_is_nothing_meant() {
    assert!(pipeline("", &[]).stages.is_empty());
    assert!(pipeline("# only a comment\n", &[]).stages.is_empty());
    assert!(pipeline("stages:\n", &[]).stages.is_empty());
    let empty = stage(
        "stages:\n  a: {cmd: x, deps: , outs: , params: , env: , wdir: , frozen: , desc: }\n",
        &[],
    );
    assert!(empty.deps.is_empty() && empty.outs.is_empty() && empty.desc.is_none());
}

#[test]
fn files_that_decided_are_listed() {
    let plain = pipeline("stages: {a: {cmd: x}}", &[("params.yaml", "a: 1")]);
    assert_eq!(
        plain
            .read
            .iter()
            .map(|path| path.as_str())
            .collect::<Vec<_>>(),
        ["pipeline.yaml"]
    );
    let text = "vars: [v.json]\nstages: {a: {cmd: \"${a}\", vars: [v.json]}}";
    let templated = pipeline(text, &[("v.json", r#"{"a": "x"}"#)]);
    let read: Vec<_> = templated.read.iter().map(|path| path.as_str()).collect();
    assert_eq!(read, ["pipeline.yaml", "params.yaml", "v.json"]);
}

#[test]
fn options_know_their_places() {
    let text =
        "stages:\n  a:\n    uses: train\n    with:\n      alpha: 0.5\n      grid: {depth: 3}\n";
    let parsed = parse_at("pipeline.yaml", text, &[]);
    let sources = parsed.sources.clone();
    let stages = sound(parsed).stages;
    let Action::Builtin { with_spans, .. } = &stages[0].action else {
        panic!("a built-in is expected");
    };
    let places: Vec<_> = with_spans
        .iter()
        .map(|(path, span)| (path.as_str(), sources.excerpt(*span)))
        .collect();
    assert_eq!(
        places,
        [
            ("", "with"),
            ("alpha", "alpha: 0.5"),
            ("grid.depth", "depth: 3"),
            ("grid", "grid")
        ]
    );
}

#[test]
fn ten_thousand_stages_are_read() {
    let mut text = String::from("stages:\n");
    for i in 0..10_000 {
        let _ = write!(
            text,
            "  s{i}:\n    cmd: x {i}\n    deps: [in/{i}, tool]\n    params: [lr]\n    outs:\n      - out/{i}: {{cache: false}}\n"
        );
    }
    let stages = pipeline(&text, &[]).stages;
    assert_eq!(stages.len(), 10_000);
    assert_eq!(
        stages.iter().map(|stage| stage.deps.len()).sum::<usize>(),
        20_000
    );
    assert_eq!(
        stages
            .iter()
            .filter(|stage| stage.outs.iter().all(|out| !out.cache))
            .count(),
        10_000
    );
}
