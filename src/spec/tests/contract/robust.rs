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
    fn any_params_file(text in r"(\PC|[\n\t=:\-\[\]{}'#]|: |\n|= )*", extension in "(yaml|json|toml)") {
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
