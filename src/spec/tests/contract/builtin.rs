//! How a stage may use a built-in.

use hpipe_core::{
    Arity, Direction, Execution, OptionFault, Port, Registry, Stage, StageError, Value,
};
use hpipe_spec::check_builtins;
use insta::assert_snapshot;

use crate::support::{parse_with, render};

/// A built-in that trains nothing.
struct Train;

impl Stage for Train {
    fn name(&self) -> &'static str {
        "train"
    }

    fn version(&self) -> u32 {
        1
    }

    fn summary(&self) -> &'static str {
        "trains nothing"
    }

    fn ports(&self) -> &'static [Port] {
        const fn port(role: &'static str, direction: Direction, arity: Arity) -> Port {
            let doc = "a file of this test";
            Port {
                role,
                direction,
                arity,
                doc,
            }
        }
        const PORTS: &[Port] = &[
            port("table", Direction::Dep, Arity::One),
            port("extras", Direction::Dep, Arity::Many),
            port("start", Direction::Dep, Arity::Optional),
            port("notes", Direction::Dep, Arity::Any),
            port("model", Direction::Out, Arity::One),
        ];
        PORTS
    }

    fn check(&self, with: &Value) -> Result<(), Vec<OptionFault>> {
        let fault = |path: &str, message: &str, help: Option<&str>| OptionFault {
            path: path.to_owned(),
            message: message.to_owned(),
            help: help.map(str::to_owned),
        };
        let mut faults = Vec::new();
        if with.lookup("alpha") == Some(&Value::Int(-1)) {
            faults.push(fault("alpha", "must not be negative", None));
        }
        if with.lookup("grid").is_some() {
            faults.push(fault("grid.depth", "is needed", Some("add `depth: 3`")));
        }
        if let Some(Value::List(derived)) = with.lookup("derived") {
            for (index, _) in derived
                .iter()
                .enumerate()
                .filter(|(_, d)| d.as_map().is_none())
            {
                let path = format!("derived.{index}");
                faults.push(fault(&path, "must be a mapping", None));
            }
        }
        if with.lookup("kind").is_none() {
            faults.push(fault("kind", "is needed", None));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    fn execute(&self, _: &Execution<'_>) -> Result<(), StageError> {
        Ok(())
    }
}

fn faults(text: &str) -> String {
    faults_beside(text, &[])
}

fn faults_beside(text: &str, files: &[(&str, &str)]) -> String {
    let mut registry = Registry::default();
    registry.add(Train);
    let parsed = parse_with(text, files);
    match &parsed.pipeline {
        Some(pipeline) => render(&check_builtins(pipeline, &registry), &parsed.sources),
        None => panic!("{}", render(&parsed.diagnostics, &parsed.sources)),
    }
}

#[test]
fn a_sound_use_has_no_fault() {
    let text = r#"
stages:
  train:
    uses: train
    with: {kind: ridge}
    deps: {table: a, extras: [b, c]}
    outs: {model: d}
  other:
    cmd: echo
"#;
    assert_eq!(faults(text), "");
}

#[test]
fn a_role_may_take_none_or_many() {
    for notes in ["", ", notes: e", ", notes: [e, f]"] {
        let deps = format!("{{table: a, extras: b{notes}}}");
        let uses = "uses: train, with: {kind: ridge}";
        let text = format!("stages: {{train: {{{uses}, deps: {deps}, outs: {{model: d}}}}}}");
        assert_eq!(faults(&text), "", "{notes}");
    }
}

#[test]
fn e010_unknown_builtin() {
    assert_snapshot!(faults("stages: {a: {uses: trian}, b: {uses: bake}}"), @r"
    E010: there is no built-in stage `trian`
      pipeline.yaml:1:20 `trian`
      help: did you mean `train`?
    E010: there is no built-in stage `bake`
      pipeline.yaml:1:38 `bake`
      help: built-in stages are `train`
    ");
}

#[test]
fn e010_without_any_builtin() {
    let parsed = parse_with("stages: {a: {uses: train}}", &[]);
    let stages = parsed.pipeline.unwrap_or_default();
    let found = check_builtins(&stages, &Registry::default());
    assert_snapshot!(render(&found, &parsed.sources), @r"
    E010: there is no built-in stage `train`
      pipeline.yaml:1:20 `train`
      help: this hpipe was built without its built-in stages; build it with the feature `ml`
    ");
}

#[test]
fn e011_bad_option() {
    let text = r#"
stages:
  train:
    foreach: [1, 2]
    do:
      uses: train
      with:
        alpha: -1
        grid: {width: 3}
      deps: {table: a, extras: b}
      outs: {model: "m${item}"}
"#;
    assert_snapshot!(faults(text), @r"
    E011: option `alpha` of `train`: must not be negative
      pipeline.yaml:8:9 `alpha: -1`
    E011: option `grid.depth` of `train`: is needed
      pipeline.yaml:9:9 `grid`
      help: add `depth: 3`
    E011: option `kind` of `train`: is needed
      pipeline.yaml:7:7 `with`
    ");
}

/// Two stages that take options from elsewhere, as a whole and one by one.
const INTERPOLATED: &str = r#"
stages:
  whole:
    uses: train
    with: ${features}
    deps: {table: a, extras: b}
    outs: {model: c}
  parts:
    uses: train
    with:
      kind: ridge
      alpha: "${model.${name}.alpha}"
      derived: [{}, "${features.derived[1]}", x]
    deps: {table: a, extras: b}
    outs: {model: d}
"#;

#[test]
fn an_option_from_a_params_file_is_blamed_there() {
    let params = r#"
name: ridge
model: {ridge: {alpha: -1}}
features:
  grid:
    width: 3
  alpha: -1  # too low
  derived:
    - {name: x}
    - y
    - name: z
    - [z]
"#;
    assert_snapshot!(faults_beside(INTERPOLATED, &[("params.yaml", params)]), @r#"
    E011: option `alpha` of `train`: must not be negative
      params.yaml:7:3 `alpha: -1`
      pipeline.yaml:5:11 `${features}` used here
    E011: option `grid.depth` of `train`: is needed
      params.yaml:5:3 `grid`
      pipeline.yaml:5:11 `${features}` used here
      help: add `depth: 3`
    E011: option `derived.1` of `train`: must be a mapping
      params.yaml:10:7 `y`
      pipeline.yaml:5:11 `${features}` used here
    E011: option `derived.3` of `train`: must be a mapping
      params.yaml:12:7 `[z]`
      pipeline.yaml:5:11 `${features}` used here
    E011: option `kind` of `train`: is needed
      params.yaml:4:1 `features`
      pipeline.yaml:5:11 `${features}` used here
    E011: option `alpha` of `train`: must not be negative
      params.yaml:3:17 `alpha: -1`
      pipeline.yaml:12:14 `\"${model.${name}.alpha}\"` used here
    E011: option `derived.2` of `train`: must be a mapping
      pipeline.yaml:13:47 `x`
    "#);
}

#[test]
fn an_option_from_json_and_toml_is_blamed_there() {
    let json = r#"{
  "name": "ridge", "model": {"ridge": {"alpha": -1}},
  "features": {"alpha": -1, "kind": "\ud83d\ude00", "derived": [{}, 1.5]}
}"#;
    let text = format!("vars: [p.json]\n{INTERPOLATED}");
    assert_snapshot!(faults_beside(&text, &[("p.json", json)]), @r#"
    E011: option `alpha` of `train`: must not be negative
      p.json:3:16 `\"alpha\": -1`
      pipeline.yaml:6:11 `${features}` used here
    E011: option `derived.1` of `train`: must be a mapping
      p.json:3:69 `1.5`
      pipeline.yaml:6:11 `${features}` used here
    E011: option `alpha` of `train`: must not be negative
      p.json:2:40 `\"alpha\": -1`
      pipeline.yaml:13:14 `\"${model.${name}.alpha}\"` used here
    E011: option `derived.2` of `train`: must be a mapping
      pipeline.yaml:14:47 `x`
    "#);
    let toml = "name = 'ridge'\nmodel.ridge.alpha = -1\n[features]\nalpha = -1\nkind = 'b'\nderived = [\n  {},\n  2,\n]\n";
    let text = format!("vars: ['p.toml:name,model,features']\n{INTERPOLATED}");
    assert_snapshot!(faults_beside(&text, &[("p.toml", toml)]), @r#"
    E011: option `alpha` of `train`: must not be negative
      p.toml:4:1 `alpha = -1`
      pipeline.yaml:6:11 `${features}` used here
    E011: option `derived.1` of `train`: must be a mapping
      p.toml:8:3 `2`
      pipeline.yaml:6:11 `${features}` used here
    E011: option `alpha` of `train`: must not be negative
      p.toml:2:13 `alpha = -1`
      pipeline.yaml:13:14 `\"${model.${name}.alpha}\"` used here
    E011: option `derived.2` of `train`: must be a mapping
      pipeline.yaml:14:47 `x`
    "#);
}

#[test]
fn an_option_from_vars_foreach_and_matrix_is_blamed_there() {
    let text = r#"
vars: [{low: -1, grids: [{alpha: -1}]}]
stages:
  each:
    foreach:
      a: {kind: x, alpha: 1}
      b: {kind: x, alpha: -1}
    do:
      uses: train
      with: ${item}
      deps: {table: a, extras: b}
      outs: {model: "${key}"}
  list:
    foreach: [1, -1]
    do:
      uses: train
      with: {kind: x, alpha: "${item}"}
      deps: {table: a, extras: b}
      outs: {model: "l${item}"}
  cross:
    matrix:
      alpha: [1, "${low}"]
      grid: ${grids}
    uses: train
    with:
      kind: x
      alpha: ${item.alpha}
      derived: ["${item.grid.alpha}"]
    deps: {table: a, extras: b}
    outs: {model: "m${key}"}
"#;
    assert_snapshot!(faults(text), @r#"
    E011: option `alpha` of `train`: must not be negative
      pipeline.yaml:7:20 `alpha: -1`
      pipeline.yaml:10:13 `${item}` used here
    E011: option `alpha` of `train`: must not be negative
      pipeline.yaml:14:18 `-1`
      pipeline.yaml:17:30 `\"${item}\"` used here
    E011: option `derived.0` of `train`: must be a mapping
      pipeline.yaml:2:27 `alpha: -1`
      pipeline.yaml:28:17 `\"${item.grid.alpha}\"` used here
    E011: option `alpha` of `train`: must not be negative
      pipeline.yaml:2:9 `low: -1`
      pipeline.yaml:27:14 `${item.alpha}` used here
    "#);
}

#[test]
fn e021_bad_port() {
    let text = r#"
stages:
  train:
    uses: train
    with: {kind: ridge}
    deps:
      tabel: a
      model: b
      start: [c, d]
    outs:
      model: [e, f]
    metrics:
      report: g
"#;
    assert_snapshot!(faults(text), @r"
    E021: `train` has no role `tabel` in its `deps`
      pipeline.yaml:7:7 `tabel`
      help: did you mean `table`?
    E021: `train` has no role `model` in its `deps`
      pipeline.yaml:8:7 `model`
      help: `model` belongs under `outs`, `metrics` or `plots`
    E021: `train` has no role `report` in its `metrics`
      pipeline.yaml:13:7 `report`
      help: roles there are `model`
    E021: `train` needs the role `table`: a file of this test
      pipeline.yaml:4:11 `train`
      help: add `table: PATH` under `deps`
    E021: `train` needs the role `extras`: a file of this test
      pipeline.yaml:4:11 `train`
      help: add `extras: PATH` under `deps`
    E021: the role `start` of `train` takes one path
      pipeline.yaml:9:18 `d` one too many
      help: keep one path
    E021: the role `model` of `train` takes one path
      pipeline.yaml:11:18 `f` one too many
      help: keep one path
    ");
}
