//! Every code that parsing can raise, with its message, places and help; and that all faults come at once.

use insta::assert_snapshot;

use crate::support::{UNREADABLE, faults, parse_with, render};

/// The faults of each text, one after the other.
fn each(texts: &[&str]) -> String {
    texts.iter().map(|text| faults(text, &[])).collect()
}

#[test]
fn e001_syntax() {
    let texts = [
        "a: [1, 2\nb: 3\n",
        "stages:\n  a:\n\tcmd: x\n",
        "stages:\n  a:\n    cmd: x\n    deps: [${a}]\n",
        "stages:\n  a:\n    cmd: x: y\n",
        "stages:\n  a:\n    cmd: @x\n",
        "stages:\n  a:\n    cmd: x\n   deps: []\n",
        "stages: *later\n",
        "stages: &a [*a]\n",
        "vars: [\"abc\n",
        "stages:\n---\nstages:\n",
    ];
    assert_snapshot!(each(&texts), @r#"
    E001: not valid YAML: illegal placement of ':' indicator
      pipeline.yaml:2:2 `:`
      help: close the `[` or `{` that was opened before
    E001: not valid YAML: tabs disallowed within this context (block indentation)
      pipeline.yaml:3:2 `cmd:`
      help: indent with spaces: YAML does not allow tabs there
    E001: not valid YAML: expected ',' or ']'
      pipeline.yaml:4:13 `{a}]`
      help: inside `[…]` and `{…}` an interpolation needs quotes: "${name}"
    E001: not valid YAML: mapping values are not allowed in this context
      pipeline.yaml:3:11 `:`
      help: a text that holds `: ` needs quotes; a mapping starts on a line of its own
    E001: not valid YAML: unexpected character: `@'
      pipeline.yaml:3:10 `@x`
      help: a text that starts with this character needs quotes
    E001: not valid YAML: did not find expected key
      pipeline.yaml:4:4 `deps:`
      help: check the indentation, and that a `:` followed by a space ends the key
    E001: not valid YAML: found unknown anchor
      pipeline.yaml:1:9 `*later`
      help: an alias `*name` needs an anchor `&name` before it
    E001: an anchor contains an alias of itself
      pipeline.yaml:1:13 `*a`
    E001: not valid YAML: unclosed quote
      pipeline.yaml:1:8 `\"abc`
      help: close the quote that was opened before
    E001: the file holds a second YAML document
      pipeline.yaml:2:1 `---` starts here
      help: keep one document a file; remove the line `---`
    "#);
}

#[test]
fn e002_unknown_key() {
    let text = r#"
stage: {}
stages:
  a:
    cmd: x
    dep: [b]
    image: c
    timeout: 10m
    outs:
      - b: {cach: false}
      - c: {x: step}
    metrics:
      - m: {path: n}
"#;
    assert_snapshot!(faults(text, &[]), @r"
    E002: unknown key `stage` in a pipeline file
      pipeline.yaml:2:1 `stage`
      help: did you mean `stages`?
    E002: unknown key `dep` in stage `a`
      pipeline.yaml:6:5 `dep`
      help: did you mean `deps`?
    E002: unknown key `image` in stage `a`
      pipeline.yaml:7:5 `image`
      help: known keys are `cmd`, `uses`, `with`, `wdir`, `deps`, `params`, `outs`, `metrics`, `plots`, `vars`, `env`, `frozen`, `always_changed`, `desc`, `meta`, `matrix`, `foreach` and `do`
    E002: `timeout` in stage `a` has no effect yet
      pipeline.yaml:8:5 `timeout`
      help: `timeout` is not supported yet; remove it
    E002: unknown key `cach` in `b` of stage `a`
      pipeline.yaml:10:13 `cach`
      help: did you mean `cache`?
    E002: unknown key `x` in `c` of stage `a`
      pipeline.yaml:11:13 `x`
      help: known keys are `cache`, `persist`, `push`, `remote`, `desc`, `type`, `labels`, `checkpoint` and `meta`
    E002: unknown key `path` in `m` of stage `a`
      pipeline.yaml:13:13 `path`
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
    E003: the axis `m` must be a list, not a text
      pipeline.yaml:25:17 `x` this is a text
    E003: a command of stage `f` must be a text, not a number
      pipeline.yaml:28:11 `1` this is a number
    E003: `s3://bucket/x` of stage `f` is not a path in the file system
      pipeline.yaml:29:12 `s3://bucket/x`
      help: remote deps and outs are not supported yet; fetch the file in a stage of its own
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
fn e004_duplicate_key() {
    let text = r#"
vars:
  - {a: 1, b: {c: 1, d: 2}}
  - {b: {d: 3, e: 4}}
  - more.yaml
  - {seed: 1}
stages:
  a: {cmd: x}
  b:
    cmd: x
    outs:
      - a
    cmd: y
    cmd: z
  a: {cmd: y}
"#;
    let files = [("more.yaml", "a: 2"), ("params.yaml", "seed: 2")];
    assert_snapshot!(faults(text, &files), @r"
    E004: the name `b.d` is defined twice
      pipeline.yaml:4:5 `{b: {d: 3, e: 4}}` again here
      pipeline.yaml:3:5 `{a: 1, b: {c: 1, d: 2}}` first here
      help: rename one, or load only the other keys of the file: `file:key1,key2`
    E004: the name `a` is defined twice
      pipeline.yaml:5:5 `more.yaml` again here
      pipeline.yaml:3:5 `{a: 1, b: {c: 1, d: 2}}` first here
      help: rename one, or load only the other keys of the file: `file:key1,key2`
    E004: the name `seed` is defined twice
      pipeline.yaml:6:5 `{seed: 1}` again here
      help: `params.yaml`, which is always loaded, defines it first; rename one of the two
    E004: the key `cmd` stands twice in one mapping
      pipeline.yaml:13:5 `cmd` again here
      pipeline.yaml:10:5 `cmd` first here
      help: keep one of the two
    E004: the key `cmd` stands twice in one mapping
      pipeline.yaml:14:5 `cmd` again here
      pipeline.yaml:10:5 `cmd` first here
      help: keep one of the two
    E004: the key `a` stands twice in one mapping
      pipeline.yaml:15:3 `a` again here
      pipeline.yaml:8:3 `a` first here
      help: keep one of the two
    ");
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
    E006: two stages are called `c@x`
      pipeline.yaml:6:21 `x` again here
      pipeline.yaml:6:15 `x` first here
      help: remove one, or use `foreach` over a mapping, whose keys become the names
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
    E007: a `${` is not closed, or holds others more than 8 deep
      pipeline.yaml:9:20 `${`
      help: close it with `}`, or write `\${` for a literal `${`
    E007: `${model}` is a mapping, which cannot be inserted into a text
      pipeline.yaml:9:29 `${model}`
      help: insert its values one by one; unpacking a mapping into options is not supported yet
    E007: `${list}` is a list, which cannot be inserted into a text
      pipeline.yaml:9:38 `${list}`
      help: insert its items one by one: `${name[0]}`; or let the expression be the whole value
    E007: `nothing` is not defined
      pipeline.yaml:10:13 `${nothing}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E007: a key is not interpolated
      pipeline.yaml:11:11 `\"${model.alpha}\"`
      help: only values, and file names in lists of outs and params, may hold `${…}`
    E007: `itm` is not defined
      pipeline.yaml:15:12 `${itm}` not found
      help: did you mean `${item}`?
    E007: `kee` is not defined
      pipeline.yaml:17:11 `${kee}` not found
      help: names come from `params.yaml`, `vars:` and, under `foreach` and `matrix`, `item` and `key`
    E003: a file name must be a text, not a list
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
        ("params.py", "A = 1\n"),
    ];
    assert_snapshot!(faults(text, &files), @r"
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
    E008: `params.py` is a Python file, which is not supported yet
      params.py:1:1 ``
      help: keep params in a YAML, JSON or TOML file
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

#[test]
fn aliases_cannot_fill_the_memory() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..10 {
        let line = format!(
            "a{i}: &a{i} [{}]\n",
            vec![format!("*a{}", i - 1); 10].join(", ")
        );
        text.push_str(&line);
    }
    let parsed = parse_with(&text, &[]);
    assert_eq!(
        parsed.diagnostics[0].message,
        "aliases expand to more than 1000000 values"
    );
}
