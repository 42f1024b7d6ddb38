//! Drawing of [`Diagnostic`]s with their excerpt, as cargo and rustc do.
//!
//! Everything that could upset the drawing library is taken care of before it sees the text: spans that point beyond the
//! end or into the middle of a character, byte-order marks, empty files, labels over many lines (drawn on their first).
//! Only the lines between the first and the last label of a file are handed over, so a fault in a file of a million
//! lines costs no more than one in a short file.
//!
//! Deliberately does not know where faults come from, nor who prints the drawing.

use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use hpipe_core::{Diagnostic, Label, Severity, SourceId, Sources};

use crate::ui::style;

/// Draws one diagnostic with its excerpts, styled with ANSI sequences, with a newline at the end.
///
/// A diagnostic without labels is its title and its help.
pub(crate) fn render(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let title = level(diagnostic.severity)
        .primary_title(diagnostic.message.as_str())
        .id(diagnostic.code.text());
    let excerpts = excerpts(&diagnostic.labels, sources);
    let group = Group::with_title(title).elements(excerpts.into_iter().map(Excerpt::into_snippet));
    let mut drawing = Renderer::styled().render(&[group]);
    drawing.push('\n');
    if let Some(help) = &diagnostic.help {
        drawing.push_str(&help_lines(help));
    }
    drawing
}

/// Draws several diagnostics in order, an empty line between each two.
pub(crate) fn render_all(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let drawings: Vec<_> = diagnostics.iter().map(|one| render(one, sources)).collect();
    drawings.join("\n")
}

/// Writes how to mend something: `help: …`, further lines indented to its text.
pub(crate) fn help_lines(help: &str) -> String {
    let word = style::paint(style::HELP, "help");
    format!("{word}: {}\n", help.trim_end().replace('\n', "\n      "))
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    }
}

/// The labelled part of one file.
struct Excerpt<'a> {
    file: &'a str,
    first_line: usize,
    text: &'a str,
    marks: Vec<Mark<'a>>,
}

/// A label, its place counted in bytes of the excerpt.
struct Mark<'a> {
    place: Range<usize>,
    text: &'a str,
    primary: bool,
}

impl<'a> Excerpt<'a> {
    fn into_snippet(self) -> Snippet<'a, Annotation<'a>> {
        Snippet::source(self.text)
            .path(self.file)
            .line_start(self.first_line)
            .annotations(self.marks.into_iter().map(Mark::into_annotation))
    }
}

impl<'a> Mark<'a> {
    fn into_annotation(self) -> Annotation<'a> {
        let kind = match self.primary {
            true => AnnotationKind::Primary,
            false => AnnotationKind::Context,
        };
        let label = Some(self.text).filter(|text| !text.is_empty());
        kind.span(self.place).label(label)
    }
}

/// The excerpts that show `labels`, a file each, in the order the labels first name them.
fn excerpts<'a>(labels: &'a [Label], sources: &'a Sources) -> Vec<Excerpt<'a>> {
    let mut files: Vec<SourceId> = Vec::new();
    for label in labels {
        if !files.contains(&label.span.source) {
            files.push(label.span.source);
        }
    }
    let excerpt = |file| excerpt(file, labels, sources);
    files.into_iter().map(excerpt).collect()
}

fn excerpt<'a>(file: SourceId, labels: &'a [Label], sources: &'a Sources) -> Excerpt<'a> {
    let text = sources.text(file);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let skipped = sources.text(file).len() - text.len();
    let mut marks: Vec<_> = labels
        .iter()
        .enumerate()
        .filter(|(_, label)| label.span.source == file)
        .map(|(nth, label)| Mark {
            place: first_line_of(text, label, skipped),
            text: &label.text,
            primary: nth == 0,
        })
        .collect();
    let start = marks
        .iter()
        .map(|mark| line_start(text, mark.place.start))
        .min();
    let end = marks
        .iter()
        .map(|mark| line_end(text, mark.place.start))
        .max();
    let (start, end) = (start.unwrap_or(0), end.unwrap_or(text.len()));
    for mark in &mut marks {
        mark.place = mark.place.start - start..mark.place.end - start;
    }
    Excerpt {
        file: sources.name(file),
        first_line: text[..start].matches('\n').count() + 1,
        text: &text[start..end],
        marks,
    }
}

/// The part of a label's span that lies on the line it begins on, as a range `text` can be cut at.
fn first_line_of(text: &str, label: &Label, skipped: usize) -> Range<usize> {
    let clamp = |byte: u32| floor_char_boundary(text, (byte as usize).saturating_sub(skipped));
    let start = clamp(label.span.start);
    let end = clamp(label.span.end).clamp(start, line_end(text, start).max(start));
    start..end
}

fn floor_char_boundary(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the line that holds `byte` ends, its `\n` or `\r\n` not counted.
fn line_end(text: &str, byte: usize) -> usize {
    let end = text[byte..]
        .find('\n')
        .map_or(text.len(), |offset| byte + offset);
    match text[..end].ends_with('\r') && end > line_start(text, byte) {
        true => end - 1,
        false => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hpipe_core::{Code, Span};

    /// Draws `diagnostic` without colour, each label under the first occurrence of its text in the first source.
    fn draw(text: &str, labels: &[(&str, &str)]) -> String {
        let mut sources = Sources::default();
        let source = sources.add("pipeline.yaml", text);
        let mut diagnostic =
            Diagnostic::error(Code::MissingDep, "stage `train` lacks a dep").help("make it");
        for (marked, label) in labels {
            let start = text.find(marked).expect("the text is there");
            diagnostic = diagnostic.at(span(source, start, start + marked.len()), *label);
        }
        plain(&diagnostic, &sources)
    }

    fn span(source: SourceId, start: usize, end: usize) -> Span {
        Span {
            source,
            start: start as u32,
            end: end as u32,
        }
    }

    fn plain(diagnostic: &Diagnostic, sources: &Sources) -> String {
        anstream::adapter::strip_str(&render(diagnostic, sources)).to_string()
    }

    #[test]
    fn looks_as_cargo_would() {
        let mut sources = Sources::default();
        let text = format!("{}      - data/feature.parquet\n", "#\n".repeat(13));
        let source = sources.add("pipeline.yaml", text.as_str());
        let start = text.find("data").expect("the text is there");
        let message = "stage `train` depends on a file no stage makes and that does not exist";
        let diagnostic = Diagnostic::error(Code::MissingDep, message)
            .at(span(source, start, text.len() - 1), "not found")
            .help("stage `features` makes `data/features.parquet`; did you mean that?");
        insta::assert_snapshot!(plain(&diagnostic, &sources), @r"
        error[E012]: stage `train` depends on a file no stage makes and that does not exist
          --> pipeline.yaml:14:9
           |
        14 |       - data/feature.parquet
           |         ^^^^^^^^^^^^^^^^^^^^ not found
        help: stage `features` makes `data/features.parquet`; did you mean that?
        ");
    }

    #[test]
    fn without_a_place_it_is_title_and_help() {
        let diagnostic = Diagnostic::warning(Code::UnknownTarget, "nothing is called `trian`")
            .help("did you mean `train`?\nor `trail`?");
        insta::assert_snapshot!(plain(&diagnostic, &Sources::default()), @r"
        warning[E020]: nothing is called `trian`
        help: did you mean `train`?
              or `trail`?
        ");
    }

    #[test]
    fn several_labels_share_an_excerpt() {
        insta::assert_snapshot!(draw("a: 1\nb: 2\nc: 3\nd: 4\ne: 5\na: 6\n", &[("a: 6", "again"), ("a: 1", "first here")]), @r"
        error[E012]: stage `train` lacks a dep
         --> pipeline.yaml:6:1
          |
        1 | a: 1
          | ---- first here
        ...
        6 | a: 6
          | ^^^^ again
        help: make it
        ");
    }

    #[test]
    fn several_files_follow_each_other() {
        let mut sources = Sources::default();
        let (one, two) = (
            sources.add("a/pipeline.yaml", "x: 1\n"),
            sources.add("pipeline.yaml", "\ny: 2\n"),
        );
        let diagnostic = Diagnostic::error(Code::DuplicateOut, "two stages make `x`")
            .at(span(one, 0, 1), "here")
            .at(span(two, 1, 2), "and here");
        insta::assert_snapshot!(plain(&diagnostic, &sources), @r"
        error[E014]: two stages make `x`
         --> a/pipeline.yaml:1:1
          |
        1 | x: 1
          | ^ here
          |
         ::: pipeline.yaml:2:1
          |
        2 | y: 2
          | - and here
        ");
    }

    #[test]
    fn crlf_tabs_and_wide_characters_stay_in_line() {
        insta::assert_snapshot!(draw("a: 1\r\n\tb: 表 é x\r\nc: 3\r\n", &[("é", "one")]), @r"
        error[E012]: stage `train` lacks a dep
         --> pipeline.yaml:2:7
          |
        2 |     b: 表 é x
          |           ^ one
        help: make it
        ");
    }

    #[test]
    fn a_byte_order_mark_is_no_column() {
        insta::assert_snapshot!(draw("\u{feff}a: 1\n", &[("a", "")]), @r"
        error[E012]: stage `train` lacks a dep
         --> pipeline.yaml:1:1
          |
        1 | a: 1
          | ^
        help: make it
        ");
    }

    #[test]
    fn a_label_over_many_lines_marks_the_first() {
        insta::assert_snapshot!(draw("stages:\n  a:\n    cmd: x\n", &[("a:\n    cmd: x", "this stage")]), @r"
        error[E012]: stage `train` lacks a dep
         --> pipeline.yaml:2:3
          |
        2 |   a:
          |   ^^ this stage
        help: make it
        ");
    }

    #[test]
    fn no_span_makes_it_panic() {
        for text in [
            "",
            "\n",
            "\r\n",
            "a",
            "é",
            "a\r",
            "\u{feff}",
            "a: 1\n\tb",
            "表\n表",
        ] {
            let mut sources = Sources::default();
            let source = sources.add("f", text);
            let end = text.len() + 3;
            for (start, end) in (0..end).flat_map(|start| (0..=end).map(move |end| (start, end))) {
                let diagnostic =
                    Diagnostic::error(Code::Syntax, "m").at(span(source, start, end), "l");
                assert!(
                    plain(&diagnostic, &sources).contains("error[E001]: m"),
                    "{text:?} {start} {end}"
                );
            }
        }
    }
}
