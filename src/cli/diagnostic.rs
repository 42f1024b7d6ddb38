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
