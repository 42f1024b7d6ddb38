//! YAML text to [`Node`]s: the only place that knows the YAML library.
//!
//! Uses the event parser below serde-saphyr rather than serde: every event comes with its byte range, so each node keeps
//! its place for the price of building the tree; and anchors, merge keys and duplicate keys are ours to treat, so *all*
//! duplicates are reported with both places. Deserialising `Spanned<T>` was tried: about twice the time (0.22 s against
//! 0.10 s for 10,000 stages, 2 MB), and it stops at the first duplicate.
//!
//! Syntax: YAML 1.2, one document, merge keys (`<<`), a leading byte-order mark. Knows nothing of pipelines.

use std::collections::{HashMap, HashSet};

use hpipe_core::{Code, Diagnostic, SourceId, Span};
use serde_yaml::granit_parser::{self as granit, ErrorKind, Event, Parser, ScanError, Tag};

use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node};
use crate::scalar;

/// Most nodes that aliases may copy, so that a few lines of aliases of aliases cannot fill the memory.
const ALIAS_BUDGET: usize = 1_000_000;

/// Reads one document; an empty text is null. None after a syntax error, which `faults` then tells.
pub(crate) fn read(text: &str, source: SourceId, faults: &mut Faults) -> Option<Node> {
    let mut builder = Builder {
        events: Parser::new_from_str_with_options(text, options()),
        text,
        source,
        anchors: HashMap::new(),
        copied: 0,
        faults,
    };
    match builder.document() {
        Ok(node) => Some(node),
        Err(fault) => {
            builder.faults.push(*fault);
            None
        }
    }
}

fn options() -> granit::Options {
    let mut options = granit::Options::default();
    options.set_emit_comments(false);
    options
}

struct Builder<'t, 'f> {
    events: Parser<'t, granit::StrInput<'t>>,
    text: &'t str,
    source: SourceId,
    anchors: HashMap<usize, Node>,
    copied: usize,
    faults: &'f mut Faults,
}

/// The fault that ends reading.
type Stop = Box<Diagnostic>;

impl<'t> Builder<'t, '_> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::DocumentStart(..) if root.is_some() => return Err(second_document(span)),
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => return Ok(root.unwrap_or_else(|| self.nothing())),
                event => root = Some(self.node(event, span)?),
            }
        }
    }

    fn nothing(&self) -> Node {
        Node::new(Data::Null, self.span(0, 0))
    }

    fn next(&mut self) -> Result<(Event<'t>, Span), Stop> {
        match self.events.next_event() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or_default();
                Ok((event, self.span(range.start, range.end)))
            }
            Some(Err(error)) => Err(syntax(&error, self.text, self.source)),
            None => Ok((
                Event::StreamEnd,
                self.span(self.text.len(), self.text.len()),
            )),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span {
            source: self.source,
            start: start as u32,
            end: end as u32,
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, Stop> {
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == granit::ScalarStyle::Plain;
                let data = self.scalar(text.into_owned(), plain, tag.as_deref(), span);
                let span = self.trimmed(span);
                (Node::new(data, span), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "seq", span);
                (self.list(span)?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), "map", span);
                (self.map(span)?, anchor)
            }
            Event::Alias(anchor) => return self.alias(anchor, span),
            _ => (self.nothing(), 0),
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn scalar(&mut self, text: String, plain: bool, tag: Option<&Tag>, span: Span) -> Data {
        match tag {
            None if plain => scalar::plain(&text),
            None => Data::Text(text),
            Some(tag) => match tag
                .core_suffix()
                .and_then(|suffix| scalar::tagged(suffix, &text))
            {
                Some(data) => data,
                None => {
                    self.unfitting_tag(tag, span);
                    Data::Unresolved
                }
            },
        }
    }

    /// A block scalar's place without the blank lines that follow it.
    fn trimmed(&self, span: Span) -> Span {
        let (start, end) = (span.start as usize, span.end as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        self.span(start, start + text.trim_end().len())
    }

    fn check_tag(&mut self, tag: Option<&Tag>, kind: &str, span: Span) {
        if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some(kind)) {
            self.unfitting_tag(tag, span);
        }
    }

    fn unfitting_tag(&mut self, tag: &Tag, span: Span) {
        let message = format!("the tag `{}` does not fit this value", tag.original());
        let fault = Diagnostic::error(Code::WrongType, message).at(span, "");
        self.faults.push(fault.help(
            "only the tags `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!seq` and `!!map` are known",
        ));
    }

    fn list(&mut self, start: Span) -> Result<Node, Stop> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, end) => {
                    let last = items.last().map(|item: &Node| item.span);
                    let span = self.enclosing(start, last, end);
                    let data = Data::List(items);
                    return Ok(Node::new(data, span));
                }
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn map(&mut self, start: Span) -> Result<Node, Stop> {
        let mut entries = Vec::new();
        loop {
            match self.next()? {
                (Event::MappingEnd, end) => {
                    let last = entries.last().map(|entry: &Entry| entry.value.span);
                    let span = self.enclosing(start, last, end);
                    let data = Data::Map(self.tidied(entries));
                    return Ok(Node::new(data, span));
                }
                (event, span) => {
                    let key = self.key(event, span)?;
                    let (event, span) = self.next()?;
                    let value = self.node(event, span)?;
                    entries.extend(key.map(|key| Entry { key, value }));
                }
            }
        }
    }

    /// A collection's place. In block style the parser sees its end only at the next token, beyond blank lines and
    /// comments, so there it ends with its last item.
    fn enclosing(&self, start: Span, last: Option<Span>, end: Span) -> Span {
        let flow = end.end > end.start;
        let end = match last {
            Some(last) if !flow && last.end >= start.start => last.end,
            Some(_) if !flow => start.end,
            _ => end.end,
        };
        self.span(start.start as usize, end as usize)
    }

    /// The text of a scalar, whatever its type: `1` and `"1"` are one key. None for a list or mapping, which is told.
    fn key(&mut self, event: Event<'t>, span: Span) -> Result<Option<Key>, Stop> {
        let written = match &event {
            Event::Scalar(text, ..) => Some(text.clone().into_owned()),
            _ => None,
        };
        if !matches!(event, Event::Scalar(_, _, 0, _)) {
            let node = self.node(event, span)?;
            if let (None, Data::Text(text)) = (&written, node.data) {
                return Ok(Some(Key { text, span }));
            }
        }
        if written.is_none() {
            let fault = Diagnostic::error(Code::WrongType, "a key must be a text");
            self.faults.push(fault.at(span, ""));
        }
        Ok(written.map(|text| Key { text, span }))
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Stop> {
        let Some(node) = self.anchors.get(&anchor) else {
            let fault = Diagnostic::error(Code::Syntax, "an anchor contains an alias of itself");
            return Err(fault.at(span, "").into());
        };
        self.copied += node.size();
        if self.copied > ALIAS_BUDGET {
            let message = format!("aliases expand to more than {ALIAS_BUDGET} values");
            return Err(Diagnostic::error(Code::Syntax, message).at(span, "").into());
        }
        Ok(node.clone())
    }

    /// Reports duplicate keys and drops the later ones; replaces `<<` by what it merges.
    fn tidied(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let duplicates = self.duplicates(&entries);
        let (merges, mut kept): (Vec<Entry>, Vec<Entry>) = entries
            .into_iter()
            .enumerate()
            .filter(|(index, _)| duplicates.binary_search(index).is_err())
            .map(|(_, entry)| entry)
            .partition(|entry| entry.key.text == "<<");
        if !merges.is_empty() {
            let mut known = kept.iter().map(|own| own.key.text.clone()).collect();
            for merge in merges {
                self.merge(merge.value, &mut kept, &mut known);
            }
        }
        kept
    }

    fn duplicates(&mut self, entries: &[Entry]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|&index| &entries[index].key.text);
        let mut duplicates = Vec::new();
        for group in order.chunk_by(|&a, &b| entries[a].key.text == entries[b].key.text) {
            for &again in &group[1..] {
                self.faults
                    .push(duplicate_key(&entries[group[0]].key, &entries[again].key));
                duplicates.push(again);
            }
        }
        duplicates.sort_unstable();
        duplicates
    }

    /// Adds what `<<: value` says; a key that is already there, or in an earlier mapping, wins.
    fn merge(&mut self, value: Node, into: &mut Vec<Entry>, known: &mut HashSet<String>) {
        match value.data {
            Data::Map(mut entries) => {
                entries.retain(|entry| known.insert(entry.key.text.clone()));
                into.append(&mut entries);
            }
            Data::List(items) => {
                for item in items {
                    self.merge(item, into, known);
                }
            }
            _ => self.faults.wrong_type(
                &value,
                "what `<<` merges",
                "a mapping or a list of mappings",
            ),
        }
    }
}

fn second_document(span: Span) -> Stop {
    let fault = Diagnostic::error(Code::Syntax, "the file holds a second YAML document");
    fault
        .at(span, "starts here")
        .help("keep one document a file; remove the line `---`")
        .into()
}

/// Says that a mapping has a key twice.
pub(crate) fn duplicate_key(first: &Key, again: &Key) -> Diagnostic {
    let message = format!("the key `{}` stands twice in one mapping", again.text);
    Diagnostic::error(Code::DuplicateKey, message)
        .at(again.span, "again here")
        .at(first.span, "first here")
        .help("keep one of the two")
}

fn syntax(error: &ScanError, text: &str, source: SourceId) -> Stop {
    let offset = error.marker().byte_offset().unwrap_or(text.len());
    if let Some(span) = tab_at_fault(error.kind(), text, offset, source) {
        let fault = Diagnostic::error(Code::Syntax, "a tab cannot indent YAML");
        return fault.at(span, "").help("use spaces").into();
    }
    let span = word_at(text, offset, source);
    let info = error.info();
    let what = match info.split_once(", ") {
        Some((circumstance, what)) if circumstance.starts_with("while ") => what,
        _ => &info,
    };
    let fault = Diagnostic::error(Code::Syntax, format!("not valid YAML: {what}")).at(span, "");
    match syntax_help(error.kind(), line_at(text, span.start as usize)) {
        Some(help) => fault.help(help).into(),
        None => fault.into(),
    }
}

/// The word that starts at a byte, or the nearest one before it on the same line.
fn word_at(text: &str, offset: usize, source: SourceId) -> Span {
    let offset = text.floor_char_boundary(offset);
    let end = text[offset..]
        .find(char::is_whitespace)
        .map_or(text.len(), |length| offset + length);
    Span {
        source,
        start: offset as u32,
        end: end as u32,
    }
}

/// The tabs that indent a line and may not. A plain scalar is blamed by the parser at its start, whichever of its lines
/// has the tab; everything else on the tab's own line.
fn tab_at_fault(kind: &ErrorKind, text: &str, offset: usize, source: SourceId) -> Option<Span> {
    let lines = match kind {
        ErrorKind::TabInPlainScalar => usize::MAX,
        ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabNotAllowed => 1,
        _ => return None,
    };
    let mut start = line_start(text, text.floor_char_boundary(offset));
    for line in text[start..].split_inclusive('\n').take(lines) {
        let content = line.trim_start();
        let indent = &line[..line.len() - content.len()];
        if let Some(tab) = indent.find('\t').filter(|_| !content.is_empty()) {
            let tabs = indent[tab..].chars().take_while(|c| *c == '\t').count();
            return Some(Span {
                source,
                start: (start + tab) as u32,
                end: (start + tab + tabs) as u32,
            });
        }
        start += line.len();
    }
    None
}

/// The byte at which the line that holds a byte starts.
fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_at(text: &str, offset: usize) -> &str {
    let line = &text[line_start(text, offset)..];
    line.lines().next().unwrap_or_default()
}

fn syntax_help(kind: &ErrorKind, line: &str) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
            if line.contains("${") =>
        {
            "inside `[…]` and `{…}` an interpolation needs quotes: \"${name}\""
        }
        ErrorKind::TabInIndentation
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabInPlainScalar => "indent with spaces: YAML does not allow tabs there",
        ErrorKind::MappingValueNotAllowed => {
            "a text that holds `: ` needs quotes; a mapping starts on a line of its own"
        }
        ErrorKind::UnexpectedCharacter { .. } => {
            "a text that starts with this character needs quotes"
        }
        ErrorKind::UnknownAnchor => "an alias `*name` needs an anchor `&name` before it",
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "close the quote that was opened before"
        }
        ErrorKind::InvalidColonPlacement | ErrorKind::UnclosedFlowCollection { .. } => {
            "close the `[` or `{` that was opened before"
        }
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::SimpleKeyExpected => {
            "check the indentation, and that a `:` followed by a space ends the key"
        }
        _ => return None,
    })
}
