//! What the tests of the contract share: parsing beside files in memory, and diagnostics as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use hpipe_core::{Diagnostic, ProjectPath, Sources};
use hpipe_spec::{Files, Parsed, Pipeline, StageSpec, parse};

/// A text that [`Memory`] refuses to read.
pub(crate) const UNREADABLE: &str = "UNREADABLE";

/// Files in memory.
pub(crate) struct Memory<'t>(BTreeMap<&'t str, &'t str>);

impl Files for Memory<'_> {
    fn read(&self, path: &ProjectPath) -> Result<Option<String>, String> {
        match self.0.get(path.as_str()) {
            Some(&UNREADABLE) => Err("permission denied".to_owned()),
            text => Ok(text.map(|text| (*text).to_owned())),
        }
    }
}

/// Parses `pipeline.yaml` at the root, beside the given files.
pub(crate) fn parse_with(text: &str, files: &[(&str, &str)]) -> Parsed {
    parse_at("pipeline.yaml", text, files)
}

/// Parses a pipeline file beside the given files.
pub(crate) fn parse_at(path: &str, text: &str, files: &[(&str, &str)]) -> Parsed {
    let files = Memory(files.iter().copied().collect());
    parse(&ProjectPath::new(path), text, &files)
}

/// The pipeline of a text without faults.
pub(crate) fn pipeline(text: &str, files: &[(&str, &str)]) -> Pipeline {
    sound(parse_with(text, files))
}

/// The pipeline of a parsed text without faults.
pub(crate) fn sound(parsed: Parsed) -> Pipeline {
    let faults = render(&parsed.diagnostics, &parsed.sources);
    match parsed.pipeline {
        Some(pipeline) => pipeline,
        None => panic!("the text has faults:\n{faults}"),
    }
}

/// The only stage of a text without faults.
pub(crate) fn stage(text: &str, files: &[(&str, &str)]) -> StageSpec {
    let mut stages = pipeline(text, files).stages;
    assert_eq!(stages.len(), 1, "one stage is expected");
    stages.remove(0)
}

/// The faults of a text, of which at least one is an error.
pub(crate) fn faults(text: &str, files: &[(&str, &str)]) -> String {
    let parsed = parse_with(text, files);
    assert!(parsed.pipeline.is_none(), "the text has no fault");
    render(&parsed.diagnostics, &parsed.sources)
}

/// A block a diagnostic: code and message; place, excerpt and text of each label; help.
pub(crate) fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut text = String::new();
    for fault in diagnostics {
        let _ = writeln!(text, "{}: {}", fault.code.text(), fault.message);
        for label in &fault.labels {
            let place = sources.locate(label.span);
            let file = sources.name(label.span.source);
            let excerpt = sources.excerpt(label.span).escape_debug();
            let line = format!(
                "  {file}:{}:{} `{excerpt}` {}",
                place.line, place.column, label.text
            );
            let _ = writeln!(text, "{}", line.trim_end());
        }
        if let Some(help) = &fault.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
    text
}
