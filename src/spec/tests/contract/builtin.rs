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
    let mut registry = Registry::default();
    registry.add(Train);
    let parsed = parse_with(text, &[]);
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
