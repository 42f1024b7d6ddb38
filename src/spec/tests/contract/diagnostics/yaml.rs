//! What is no YAML, or says a thing twice.

use insta::assert_snapshot;

use crate::support::{faults, parse_with};

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
    E001: a tab cannot indent YAML
      pipeline.yaml:3:1 `\t`
      help: use spaces
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
fn a_tab_is_blamed_where_it_stands() {
    let texts = [
        "stages:\n  a:\n    wdir: b\n\tuses: split\n",
        "stages:\n  a:\n    wdir: b\r\n    \t\tuses: split\r\n",
        "stages:\n  a:\n    wdir: b\n\n\t\n  \tuses: split\n",
        "stages:\n  a:\n    cmd: \"b\"\n\tuses: split\n",
        "stages:\n  a:\n    cmd: |\n      b\n\n \tuses: split\n",
        "stages:\n  a:\n    cmd: \"b\n\tc\"\n",
        "stages:\n  a:\n    deps: [a,\n\tb]\n",
        "stages:\n  a:\n    deps:\n    - a\n\t- b\n",
    ];
    assert_snapshot!(each(&texts), @r"
    E001: a tab cannot indent YAML
      pipeline.yaml:4:1 `\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:4:5 `\t\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:6:3 `\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:4:1 `\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:6:2 `\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:4:1 `\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:4:1 `\t`
      help: use spaces
    E001: a tab cannot indent YAML
      pipeline.yaml:5:1 `\t`
      help: use spaces
    ");
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
