//! What is named but not there: interpolated names, files of params, their params.

use insta::assert_snapshot;

use crate::support::{UNREADABLE, faults, parse_with, render};

#[test]
fn e007_interpolation() {
    let text = r#"
vars: [{a: "${b}"}, "${file}"]
stages:
  a:
    cmd: "echo \t ${model.alhpa} ${HOME} ${key}"
    desc: >
      folded ${model.alpha}
      then ${modle.alpha}
    deps: ["${}", "${a", "a ${model} ${list}"]
    frozen: ${nothing}
    env: {"${model.alpha}": x}
  b:
    foreach: [x, y]
    do:
      cmd: ${itm}
      outs:
        - ${kee}: {cache: false}
        - ${list}: {cache: false}
"#;
    let files = [("params.yaml", "model: {alpha: 1}\nlist: [1]\n")];
    assert_snapshot!(faults(text, &files), @r#"
    E007: `vars` are not interpolated
      pipeline.yaml:2:12 `\"${b}\"`
      help: write the value itself, or use the other name where this one is used
    E007: `vars` are not interpolated
      pipeline.yaml:2:21 `\"${file}\"`
      help: write the value itself, or use the other name where this one is used
    E007: `model.alhpa` is not defined
      pipeline.yaml:5:19 `${model.alhpa}` not found
      help: did you mean `${model.alpha}`?
    E007: `HOME` is not defined
      pipeline.yaml:5:34 `${HOME}` not found
      help: for the shell variable write `\${HOME}`
    E007: `key` is not defined
      pipeline.yaml:5:42 `${key}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E007: `modle.alpha` is not defined
      pipeline.yaml:8:12 `${modle.alpha}` not found
      help: did you mean `${model.alpha}`?
    E007: `${}` is not a name
      pipeline.yaml:9:13 `${}`
      help: write a name such as `${train.alpha}` or `${layers[0]}`; for a shell variable `\${…}`
    E007: `${model}` is a mapping, which cannot be inserted into a text
      pipeline.yaml:9:29 `${model}`
      help: insert its values one by one; only in `cmd` it becomes options
    E007: `${list}` is a list, which cannot be inserted into a text
      pipeline.yaml:9:38 `${list}`
      help: insert its items one by one: `${name[0]}`; or let the expression be the whole value
    E007: `nothing` is not defined
      pipeline.yaml:10:13 `${nothing}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E007: `itm` is not defined
      pipeline.yaml:15:12 `${itm}` not found
      help: did you mean `${item}`?
    E007: `kee` is not defined
      pipeline.yaml:17:11 `${kee}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E003: a key must be a text, not a list
      pipeline.yaml:18:11 `${list}` this is a list
    "#);
}

#[test]
fn e008_bad_param_file() {
    let text = r#"
vars:
  - missing.yaml
  - broken.yaml
  - broken.json
  - broken.toml
  - list.yaml
  - secret.yaml
  - params.py
stages:
  a:
    cmd: x
    vars: [missing.yaml]
"#;
    let files = [
        ("broken.yaml", "a: 1\na: 2\nb: ["),
        ("broken.json", "{\n  \"a\": 1,\n  \"ü\": ü\n}"),
        ("broken.toml", "a = 1\nb = \na = 2\n"),
        ("list.yaml", "- a\n"),
        ("secret.yaml", UNREADABLE),
        ("params.py", "A = 1\nB = [1,\n\"x\n"),
    ];
    assert_snapshot!(faults(text, &files), @r#"
    E008: the vars file `missing.yaml` does not exist
      pipeline.yaml:3:5 `missing.yaml` not found
      help: paths in `vars` are relative to the pipeline file, in a stage to its `wdir`
    E008: cannot read `secret.yaml`: permission denied
      pipeline.yaml:8:5 `secret.yaml`
    E008: the vars file `missing.yaml` does not exist
      pipeline.yaml:13:12 `missing.yaml` not found
      help: paths in `vars` are relative to the pipeline file, in a stage to its `wdir`
    E008: not valid YAML: unclosed bracket '['
      broken.yaml:3:4 `[`
      help: close the `[` or `{` that was opened before
    E008: not valid JSON: expected value
      broken.json:3:8 `ü`
    E008: not valid TOML: string values must be quoted, expected literal string
      broken.toml:2:5 ``
    E008: not valid TOML: duplicate key
      broken.toml:3:1 `a`
    E008: `list.yaml` must hold a mapping, not a list
      list.yaml:1:1 ``
      help: write `name: value`, a line a param
    E008: not valid Python: this string is not closed
      params.py:3:1 `\"`
    "#);
}

#[test]
fn names_of_a_file_that_cannot_be_read_are_not_told_as_missing() {
    let text = r#"
stages:
  a:
    cmd: "train ${model.alpha} ${seed}"
    deps: ${deps}
    outs: ["${out.${kind}}", {"${file}": {cache: false}}]
    frozen: ${frozen}
  b:
    foreach: ${models}
    do: {cmd: "${item.name}"}
  c:
    matrix: {m: "${models}", n: [1]}
    cmd: "${item.m}"
  d:
    foreach: [{name: x}]
    do: {cmd: "${item.nam} ${seed}"}
"#;
    assert_snapshot!(faults(text, &[("params.yaml", "seed: 1\nmodel: {alpha: 1\n")]), @r"
    E007: `item.nam` is not defined
      pipeline.yaml:16:16 `${item.nam}` not found
      help: did you mean `${item.name}`?
    E008: not valid YAML: unclosed bracket '{'
      params.yaml:2:8 `{alpha:`
      help: close the `[` or `{` that was opened before
    ");
    assert_snapshot!(faults(text, &[("params.yaml", UNREADABLE)]), @r"
    E007: `item.nam` is not defined
      pipeline.yaml:16:16 `${item.nam}` not found
      help: did you mean `${item.name}`?
    E008: cannot read `params.yaml`: permission denied
    ");
    let text = "vars: [missing.yaml]\nstages: {a: {cmd: \"${a}\"}, b: {cmd: x, vars: [b.json]}}\n";
    assert_snapshot!(faults(text, &[("b.json", "{")]), @r"
    E008: the vars file `missing.yaml` does not exist
      pipeline.yaml:1:8 `missing.yaml` not found
      help: paths in `vars` are relative to the pipeline file, in a stage to its `wdir`
    E008: not valid JSON: EOF while parsing an object
      b.json:1:1 `{`
    ");
    let text = "stages: {a: {cmd: \"${a}\"}, b: {cmd: \"${b}\", vars: [b.json]}}\n";
    assert_snapshot!(faults(text, &[("b.json", "{")]), @r"
    E007: `a` is not defined
      pipeline.yaml:1:20 `${a}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E008: not valid JSON: EOF while parsing an object
      b.json:1:1 `{`
    ");
}

#[test]
fn e009_missing_param() {
    let text = "vars: ['more.yaml:sed,b']\n";
    assert_snapshot!(faults(text, &[("more.yaml", "seed: 1\n")]), @r"
    E009: `more.yaml` has no param `sed`
      pipeline.yaml:1:8 `\'more.yaml:sed,b\'` not found
      help: did you mean `seed`?
    E009: `more.yaml` has no param `b`
      pipeline.yaml:1:8 `\'more.yaml:sed,b\'` not found
      help: only names at the top of the file can be chosen
    ");
}

#[test]
fn a_fault_in_a_template_is_told_once() {
    let text =
        "stages:\n  a:\n    foreach: [1, 2, 3]\n    do: {cmd: \"${itm}\", dep: [x], frozen: 1}\n";
    assert_eq!(parse_with(text, &[]).diagnostics.len(), 3);
}

#[test]
fn an_unresolved_text_has_no_wrong_type() {
    let text = "stages:\n  a: {cmd: x, frozen: \"${f}\", outs: \"${o}\", deps: [\"${d}\"]}\n";
    let parsed = parse_with(text, &[]);
    let codes: Vec<_> = parsed
        .diagnostics
        .iter()
        .map(|fault| fault.code.text())
        .collect();
    assert_eq!(
        codes,
        ["E007"; 3],
        "{}",
        render(&parsed.diagnostics, &parsed.sources)
    );
}
