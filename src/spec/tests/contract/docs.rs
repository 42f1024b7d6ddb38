//! The pages on the grammar and on errors say what is true.

use hpipe_core::Code;

use crate::support::{parse_with, pipeline, render};

const ERRORS: &str = include_str!("../../../../docs/errors.md");
const GRAMMAR: &str = include_str!("../../../../docs/formats/pipeline.md");

/// The first block of a language in a page.
fn block<'t>(page: &'t str, language: &str) -> Option<&'t str> {
    let (_, rest) = page.split_once(&format!("```{language}\n"))?;
    rest.split("\n```").next()
}

fn section(code: Code) -> Option<&'static str> {
    let (_, rest) = ERRORS.split_once(&format!("\n## {}: ", code.text()))?;
    rest.split("\n## ").next()
}

#[test]
fn every_code_is_explained() {
    for code in Code::ALL {
        let text = section(*code).unwrap_or_default();
        assert!(
            block(text, "text").is_some(),
            "{} has no example in docs/errors.md",
            code.text()
        );
    }
}

#[test]
fn examples_of_parsing_raise_their_code_as_shown() {
    use Code::*;
    for code in [
        Syntax,
        UnknownKey,
        WrongType,
        DuplicateKey,
        Incomplete,
        BadName,
        Interpolation,
        BadParamFile,
    ] {
        let text = section(code).unwrap_or_default();
        let parsed = parse_with(block(text, "yaml").unwrap_or_default(), &[]);
        let told = &parsed.diagnostics[0];
        assert_eq!(
            parsed.diagnostics.len(),
            1,
            "{}",
            render(&parsed.diagnostics, &parsed.sources)
        );
        let shown = block(text, "text").unwrap_or_default();
        let first = format!("error[{}]: {}\n", told.code.text(), told.message);
        assert!(shown.starts_with(&first), "{shown}\nis not\n{first}");
        let place = parsed.sources.locate(told.labels[0].span);
        let place = format!("--> pipeline.yaml:{}:{}\n", place.line, place.column);
        assert!(shown.contains(&place), "{shown}\nis not at {place}");
        let help = told.help.as_deref().unwrap_or_default();
        assert!(shown.ends_with(help), "{shown}\nhas not the help {help}");
    }
}

#[test]
fn other_examples_parse() {
    for code in Code::ALL {
        let example = section(*code).and_then(|text| block(text, "yaml"));
        if let Some(example) = example.filter(|_| *code > Code::BadParamFile) {
            assert!(!pipeline(example, &[]).stages.is_empty());
        }
    }
}

#[test]
fn examples_of_the_grammar_parse() {
    let blocks: Vec<&str> = GRAMMAR
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let params = &*format!("{}slow: false\n", blocks[1]);
    for (index, text) in blocks.iter().enumerate().filter(|(index, _)| *index != 1) {
        let pipeline = pipeline(text, &[("params.yaml", params)]);
        let has_stages = text.contains("stages:");
        assert_eq!(has_stages, !pipeline.stages.is_empty(), "block {index}");
    }
    let names: Vec<_> = pipeline(blocks[0], &[("params.yaml", params)]).stages;
    let names: Vec<_> = names.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "ingest",
            "train@ridge-1",
            "train@ridge-2",
            "train@lasso-1",
            "train@lasso-2"
        ]
    );
}
