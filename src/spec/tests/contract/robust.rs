//! No text makes parsing panic, and what it reports can be drawn: every span lies within its text.

use hpipe_core::ProjectPath;
use hpipe_spec::{ParamFile, Parsed};
use proptest::prelude::*;

use crate::support::parse_with;

const VALID: &str = r#"
vars: [{a: 1, b: [x, {c: d}]}]
stages:
  prepare: &prepare
    cmd: "prepare ${a} \"${b[1].c}\" \\${HOME}"
    deps: [ä, b/c]
    outs:
      - out: {cache: false}
  train:
    foreach: {x: 1, y: 2}
    do: {uses: train, with: {alpha: "${item}"}, outs: {model: "m/${key}"}}
  grid:
    matrix: {m: "${b}", n: [1, 2]}
    <<: *prepare
  text:
    cmd: |
      one ${key}

    env: [A]
"#;

fn check(parsed: &Parsed) {
    assert_eq!(
        parsed.pipeline.is_none(),
        parsed.diagnostics.iter().any(|fault| fault.is_error())
    );
    for label in parsed.diagnostics.iter().flat_map(|fault| &fault.labels) {
        let text = parsed.sources.text(label.span.source);
        let range = label.span.start as usize..label.span.end as usize;
        assert!(
            text.get(range.clone()).is_some(),
            "{range:?} is no part of {text:?}"
        );
    }
}

proptest! {
    #[test]
    fn any_text(text in r"(\PC|[\n\t:\-\[\]{}&*!|>'#%@,?$]|: |\n  |- )*") {
        check(&parse_with(&text, &[]));
    }

    #[test]
    fn a_mutated_pipeline(at in 0..VALID.len(), cut in 0..8_usize, insert in r"(\PC|[\n\t:\-\[\]{}&*!$ ]){0,4}") {
        let start = VALID.floor_char_boundary(at);
        let end = VALID.floor_char_boundary((start + cut).min(VALID.len()));
        let text = format!("{}{insert}{}", &VALID[..start], &VALID[end..]);
        check(&parse_with(&text, &[("params.yaml", "key: 1")]));
    }

    #[test]
    fn a_pipeline_cut_short(at in 0..VALID.len()) {
        check(&parse_with(&VALID[..VALID.floor_char_boundary(at)], &[]));
    }

    #[test]
    fn any_params_file(text in r"(\PC|[\n\t=:\-\[\]{}'#]|: |\n|= )*", extension in "(yaml|json|toml|py)") {
        let path = ProjectPath::new(&format!("params.{extension}"));
        if let Err(error) = ParamFile::parse(&path, &text) {
            prop_assert!(!error.diagnostics.is_empty());
            check(&Parsed { pipeline: None, diagnostics: error.diagnostics, sources: error.sources });
        }
    }
}

#[test]
fn deep_nesting_is_no_stack_overflow() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("${", "}")] {
        let text = format!(
            "stages:\n  a:\n    cmd: {}x{}\n",
            open.repeat(20_000),
            close.repeat(20_000)
        );
        check(&parse_with(&text, &[]));
    }
}

/// Files that would take minutes or all memory if reading took more than time and space in proportion to what they say.
#[test]
fn hostile_files_are_read_or_refused_at_once() {
    let many = 20_000;
    let lines = |line: &dyn Fn(usize) -> String| (0..many).map(line).collect::<String>();
    let stage = |body: &str| format!("stages:\n  a:\n    cmd: x\n{body}");
    let long = "x".repeat(1 << 20);
    let anchors = lines(&|i| format!("  b{i}: &b{i} {{k{i}: 1}}\n"));
    let merges = lines(&|i| format!("*b{i}, "));
    let digits = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]";
    let axes: String = (0..7).map(|i| format!("a{i}: {digits}, ")).collect();
    let files = [
        stage("    deps:\n") + &lines(&|i| format!("      - ${{nam{i}}}\n")),
        format!("stages:\n  a:\n    cmd: {}\n", "${b} ".repeat(many)),
        format!(
            "vars: [{{l: {long}}}]\nstages: {{a: {{cmd: \"{}\"}}}}\n",
            "${l}".repeat(many)
        ),
        stage("    params:\n") + &lines(&|i| format!("      - p{i}\n")),
        stage("    params:\n") + &lines(&|i| format!("      - f{i}.yaml: [a]\n")),
        "vars: [{b: 1}]\n".to_owned()
            + &stage("    env:\n")
            + &lines(&|i| format!("      A{i}${{b}}: 1\n")),
        format!("vars:\n{anchors}  c: {{<<: [{merges}]}}\n"),
        format!("vars:\n{}", lines(&|i| format!("  - {{v{i}: 1}}\n"))),
        format!("stages:\n{}", "  a: {cmd: x}\n".repeat(many)),
        format!("stages:\n{}", lines(&|i| format!("  a{i}: {{smd: x}}\n"))),
        format!("stages: {{a: {{cmd: {}}}}}\n", "\\${ ${ ".repeat(many)),
        format!("stages: {{a: {{cmd: x, matrix: {{{axes}}}}}}}\n"),
        format!(
            "stages: {{a: {{cmd: x, when: {}true}}}}\n",
            "not (".repeat(many)
        ),
    ];
    for text in &files {
        check(&parse_with(text, &[]));
    }
    let classes: String = (0..200)
        .map(|i| format!("{}class A:\n", " ".repeat(i)))
        .collect();
    for (name, text) in [
        ("p.py", "a = ".to_owned() + &"[".repeat(many)),
        (
            "p.py",
            format!("a = {}{}\n", "[".repeat(many), "]".repeat(many)),
        ),
        ("p.py", format!("{classes}{}a = 1\n", " ".repeat(200))),
        ("p.py", "a = \"".to_owned() + &"\\x".repeat(many)),
        ("p.json", "[".repeat(many)),
        ("p.toml", "a = ".to_owned() + &"[".repeat(many)),
        ("p.toml", "a.".repeat(many) + "b = 1"),
        ("p.yaml", "? ".repeat(many)),
        ("p.yaml", "- ".repeat(many)),
    ] {
        let _ = ParamFile::parse(&ProjectPath::new(name), &text);
    }
}
