//! What a pipeline file may not say: keys, types, names, and keys that need or exclude each other.

use insta::assert_snapshot;

use crate::support::{faults, parse_with};

#[test]
fn e002_unknown_key() {
    let text = r#"
stage: {}
stages:
  a:
    cmd: x
    dep: [b]
    image: c
    outs:
      - b: {cach: false}
      - c: {x: step}
    metrics:
      - m: {path: n}
"#;
    assert_snapshot!(faults(text, &[]), @"
    E002: unknown key `stage` in a pipeline file
      pipeline.yaml:2:1 `stage`
      help: did you mean `stages`?
    E002: unknown key `dep` in stage `a`
      pipeline.yaml:6:5 `dep`
      help: did you mean `deps`?
    E002: unknown key `image` in stage `a`
      pipeline.yaml:7:5 `image`
      help: known keys are `cmd`, `uses`, `with`, `wdir`, `deps`, `params`, `outs`, `metrics`, `plots`, `vars`, `env`, `frozen`, `always_changed`, `resources`, `mutex`, `pool`, `timeout`, `retry`, `shell`, `sandbox`, `executor`, `track`, `when`, `desc`, `meta`, `matrix`, `foreach` and `do`
    E002: unknown key `cach` in `b` of stage `a`
      pipeline.yaml:9:13 `cach`
      help: did you mean `cache`?
    E002: unknown key `x` in `c` of stage `a`
      pipeline.yaml:10:13 `x`
      help: known keys are `cache`, `persist`, `push`, `remote`, `desc`, `type`, `labels`, `checkpoint` and `meta`
    E002: unknown key `path` in `m` of stage `a`
      pipeline.yaml:12:13 `path`
      help: known keys are `cache`, `persist`, `push`, `remote`, `desc`, `type`, `labels`, `checkpoint` and `meta`
    ");
}

#[test]
fn e003_wrong_type() {
    let text = r#"
vars: {a: 1}
params: x
artifacts: []
stages:
  a:
    cmd: {x: y}
    wdir: 1
    deps: b
    outs: [1, {c: x}, {d: {cache: yes}}, ""]
    params: [1, {p.yaml: x}, {p.yaml: [1]}]
    env: {A: [1], B=C: x}
    frozen: "true"
    desc: [x]
  b: x
  c:
    uses: train
    with: [x]
    deps: [y]
    outs: {model: 1}
  d:
    foreach: x
    do: {cmd: x}
  e:
    matrix: {m: x}
    cmd: x
  f:
    cmd: [1]
    deps: [s3://bucket/x, [y]]
  g: {cmd: !mine x}
  h: {cmd: x, <<: 1}
  i: {cmd: x, matrix: {}}
"#;
    assert_snapshot!(faults(text, &[]), @r#"
    E003: `vars` must be a list of files and mappings, not a mapping
      pipeline.yaml:2:7 `{a: 1}` this is a mapping
    E003: `params` must be a list, not a text
      pipeline.yaml:3:9 `x` this is a text
    E003: `artifacts` must be a mapping, not a list
      pipeline.yaml:4:12 `[]` this is a list
    E003: `cmd` of stage `a` must be a command or a list of commands, not a mapping
      pipeline.yaml:7:10 `{x: y}` this is a mapping
    E003: `wdir` of stage `a` must be a text, not a number
      pipeline.yaml:8:11 `1` this is a number
    E003: `deps` of stage `a` must be a list of paths, not a text
      pipeline.yaml:9:11 `b` this is a text
      help: write one path a line: `- PATH`
    E003: a path in `outs` of stage `a` must be a text, not a number
      pipeline.yaml:10:12 `1` this is a number
      help: write a path; one that looks like a number or a boolean needs quotes
    E003: `c` of stage `a` must be a mapping of flags, not a text
      pipeline.yaml:10:19 `x` this is a text
    E003: `cache` of `d` of stage `a` must be `true` or `false`, not a text
      pipeline.yaml:10:35 `yes` this is a text
    E003: a path of stage `a` is empty
      pipeline.yaml:10:42 `\"\"`
      help: write a file or folder; for the working folder itself write `.`
    E003: an item of `params` of stage `a` must be a name or `FILE: [NAME…]`, not a number
      pipeline.yaml:11:14 `1` this is a number
    E003: the names of `p.yaml` in `params` of stage `a` must be a list of names, or nothing for the whole file, not a text
      pipeline.yaml:11:26 `x` this is a text
    E003: a param of stage `a` must be a text, not a number
      pipeline.yaml:11:40 `1` this is a number
    E003: the value of `A` in `env` of stage `a` must be a text, a number or a boolean, not a list
      pipeline.yaml:12:14 `[1]` this is a list
    E003: `B=C` cannot name an environment variable
      pipeline.yaml:12:19 `B=C`
      help: write `NAME: value` in a mapping, or `NAME` in a list
    E003: `frozen` of stage `a` must be `true` or `false`, not a text
      pipeline.yaml:13:13 `\"true\"` this is a text
    E003: `desc` of stage `a` must be a text, not a list
      pipeline.yaml:14:11 `[x]` this is a list
    E003: stage `b` must be a mapping, not a text
      pipeline.yaml:15:6 `x` this is a text
    E003: `with` of stage `c` must be a mapping of options, not a list
      pipeline.yaml:18:11 `[x]` this is a list
    E003: `deps` of stage `c` must be a mapping of roles to paths, not a list
      pipeline.yaml:19:11 `[y]` this is a list
      help: a built-in stage must know which file is which: `ROLE: PATH`
    E003: a path in `outs` of stage `c` must be a text, not a number
      pipeline.yaml:20:19 `1` this is a number
      help: write a path; one that looks like a number or a boolean needs quotes
    E003: `foreach` of stage `d` must be a list or a mapping, not a text
      pipeline.yaml:22:14 `x` this is a text
    E003: the axis `m` must be a list, or a mapping whose keys are meant, not a text
      pipeline.yaml:25:17 `x` this is a text
    E003: a command of stage `f` must be a text, not a number
      pipeline.yaml:28:11 `1` this is a number
    E003: `s3://bucket/x` of stage `f` is not a path in the file system
      pipeline.yaml:29:12 `s3://bucket/x`
      help: fetch the file in a stage of its own, `cmd: curl -fsSLo FILE URL`, and depend on FILE
    E003: a path in `deps` of stage `f` must be a text, not a list
      pipeline.yaml:29:27 `[y]` this is a list
      help: write a path; one that looks like a number or a boolean needs quotes
    E003: the tag `!mine` does not fit this value
      pipeline.yaml:30:18 `x`
      help: only the tags `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!seq` and `!!map` are known
    E003: what `<<` merges must be a mapping or a list of mappings, not a number
      pipeline.yaml:31:19 `1` this is a number
    E003: `matrix` of stage `i` has no axis
      pipeline.yaml:32:23 `{}`
    "#);
}

#[test]
fn e003_matrix_too_large() {
    let axis: Vec<String> = (0..101).map(|i| i.to_string()).collect();
    let axis = axis.join(", ");
    let text = format!("stages: {{a: {{cmd: x, matrix: {{a: &a [{axis}], b: *a, c: *a}}}}}}");
    let parsed = parse_with(&text, &[]);
    assert_eq!(
        parsed.diagnostics[0].message,
        "`matrix` of stage `a` has more than 1000000 combinations"
    );
}

#[test]
fn e005_incomplete() {
    let text = r#"
stages:
  a:
  b:
    cmd: x
    uses: y
  c:
    cmd: x
    with: {a: 1}
  d:
    foreach: [1]
  e:
    do: {cmd: x}
  f:
    foreach: [1]
    matrix: {a: [1]}
    deps: [x]
    do:
      deps: []
  g:
    uses: train
    outs: {model: {cache: false}}
  h:
    cmd: []
  i:
    cmd: [x, "  "]
"#;
    assert_snapshot!(faults(text, &[]), @r#"
    E005: stage `a` has neither `cmd` nor `uses`
      pipeline.yaml:3:3 `a`
      help: say what to execute: `cmd: COMMAND`, or `uses: NAME` for a built-in stage
    E005: stage `b` has both `cmd` and `uses`
      pipeline.yaml:6:5 `uses` a built-in stage
      pipeline.yaml:5:5 `cmd` a command
      help: keep the one to execute, or make two stages
    E005: stage `c` has `with` but no `uses`
      pipeline.yaml:9:5 `with`
      help: `with` holds the options of a built-in stage; a command takes its options as arguments
    E005: stage `d` has `foreach` but no `do`
      pipeline.yaml:10:3 `d`
      help: write the stage's keys under `do:`
    E005: stage `e` has neither `cmd` nor `uses`
      pipeline.yaml:12:3 `e`
      help: say what to execute: `cmd: COMMAND`, or `uses: NAME` for a built-in stage
    E005: stage `e` has `do` but no `foreach`
      pipeline.yaml:13:5 `do`
      help: say what to iterate over: `foreach: LIST`; or write the keys under `do` directly
    E005: stage `f` has neither `cmd` nor `uses`
      pipeline.yaml:14:3 `f`
      help: say what to execute: `cmd: COMMAND`, or `uses: NAME` for a built-in stage
    E005: stage `f` has both `foreach` and `matrix`
      pipeline.yaml:16:5 `matrix`
      help: keep one; a matrix of one axis does what a `foreach` does
    E005: `deps` of stage `f` stands beside `foreach`
      pipeline.yaml:17:5 `deps`
      help: move it under `do`
    E005: an item of `outs` of stage `g` has no `path`
      pipeline.yaml:22:19 `{cache: false}`
      help: write `{path: PATH, cache: false}`
    E005: `cmd` of stage `h` is empty
      pipeline.yaml:24:10 `[]`
      help: write the command to execute
    E005: `cmd` of stage `i` is empty
      pipeline.yaml:26:14 `\"  \"`
      help: write the command to execute
    "#);
}

#[test]
fn e006_bad_name() {
    let text = r#"
stages:
  a@b: {cmd: x}
  "": {cmd: x}
  c:
    foreach: [x, y, x]
    do: {cmd: "${item}"}
  d:
    matrix: {a: [x-y, x], b: [z, y-z]}
    cmd: x
  e:
    foreach: ["", "a\tb"]
    do: {cmd: x}
"#;
    assert_snapshot!(faults(text, &[]), @r#"
    E006: a stage name must not contain `@`
      pipeline.yaml:3:3 `a@b`
      help: rename the stage, for example to `a-b`
    E006: a stage name must not be empty
      pipeline.yaml:4:3 `\"\"`
      help: give the stage a name
    E006: two stages are called `d@x-y-z`
      pipeline.yaml:9:13 `{a: [x-y, x], b: [z, y-z]}` again here
      help: remove one, or use `foreach` over a mapping, whose keys become the names
    E006: an instance of stage `e` cannot be named after ""
      pipeline.yaml:12:15 `\"\"`
      help: use `foreach` over a mapping, whose keys become the names: `foreach: {NAME: …}`
    E006: an instance of stage `e` cannot be named after "a\tb"
      pipeline.yaml:12:19 `\"a\\tb\"`
      help: use `foreach` over a mapping, whose keys become the names: `foreach: {NAME: …}`
    "#);
}
