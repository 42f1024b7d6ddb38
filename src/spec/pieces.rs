//! The syntax of `${…}`: where expressions begin and end in a text, and what is a name.
//!
//! `\${` opens none, and neither does a `${` that is not closed on its line. Expressions may hold others. Knows nothing of
//! what names mean.

use std::ops::Range;

/// What opens an expression.
pub(crate) const OPEN: &str = "${";

/// What stands for it where it shall not open an expression.
pub(crate) const ESCAPED: &str = "\\${";

/// How deep expressions may hold others: a guard for the stack.
pub(crate) const DEPTH_LIMIT: usize = 8;

/// Whether a text has an expression or an escape, so that interpolating would change it.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains(OPEN)
}

/// Whether a text has an expression, not only what looks like one.
pub(crate) fn has_expression(text: &str) -> bool {
    !matches!(pieces(text).as_deref(), Ok([] | [Piece::Text(_)]))
}

/// The length of the expression that a text starts with, if it does.
pub(crate) fn expression_length(text: &str) -> Option<usize> {
    match text.starts_with(OPEN).then(|| closing(text, 0)) {
        Some(Closing::At(end)) => Some(end),
        _ => None,
    }
}

/// `a.b[0]["c"]` as a dotted path, none if it is no name.
pub(crate) fn dotted(name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.trim().split('.') {
        let (head, indices) = part.split_once('[').unwrap_or((part, ""));
        parts.push(head.trim());
        if !indices.is_empty() || part.contains('[') {
            parts.extend(indices.strip_suffix(']')?.split("][").map(str::trim));
        }
    }
    let fits = |part: &&str| !part.is_empty() && !part.contains(['[', ']']);
    parts.iter().all(fits).then(|| parts.join("."))
}

/// A part of a text, by its bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(Range<usize>),
    Expression(Range<usize>),
}

/// Cuts a text into pieces, escapes left as they are. The error is the `${` of an expression that is too deep.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece>, Range<usize>> {
    let mut pieces = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(open) = text[from..].find(OPEN).map(|at| from + at) {
        from = open + OPEN.len();
        if text[..open].ends_with('\\') {
            continue;
        }
        match closing(text, open) {
            Closing::At(end) => {
                pieces.push(Piece::Text(start..open));
                pieces.push(Piece::Expression(open..end));
                (start, from) = (end, end);
            }
            Closing::Nowhere => {}
            Closing::TooDeep => return Err(open..from),
        }
    }
    pieces.push(Piece::Text(start..text.len()));
    pieces.retain(|piece| !matches!(piece, Piece::Text(range) if range.is_empty()));
    Ok(pieces)
}

/// Where an expression ends.
enum Closing {
    /// The byte after its `}`.
    At(usize),
    /// Not on its line: no expression at all, as in DVC, so that `${` may stand in a script.
    Nowhere,
    TooDeep,
}

fn closing(text: &str, open: usize) -> Closing {
    let (mut depth, mut at) = (0, open);
    while let Some(found) = text[at..].find(['$', '}', '\n']) {
        at += found;
        match &text[at..] {
            rest if rest.starts_with('\n') => return Closing::Nowhere,
            rest if rest.starts_with(OPEN) && depth > DEPTH_LIMIT => return Closing::TooDeep,
            rest if rest.starts_with(OPEN) => {
                depth += 1;
                at += 1;
            }
            rest if rest.starts_with('}') => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Closing::At(at);
        }
    }
    Closing::Nowhere
}
