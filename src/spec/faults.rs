//! Collects every fault of a file, each once.
//!
//! A `foreach` template with one typo is read once an instance; the user shall see the typo once. Hence two diagnostics
//! of one code, place and message are the same fault. Knows nothing of what the faults are about.

use std::collections::HashSet;
use std::fmt;

use hpipe_core::{Code, Diagnostic, SourceId, Span};

use crate::node::Node;
use hpipe_core::nearest;

/// The faults found so far, in the order they were found.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    found: Vec<Diagnostic>,
    seen: HashSet<(Code, Option<Span>, String)>,
}

impl Faults {
    /// Adds a fault, unless it is already there.
    pub(crate) fn push(&mut self, fault: Diagnostic) {
        let place = fault.labels.first().map(|label| label.span);
        if self.seen.insert((fault.code, place, fault.message.clone())) {
            self.found.push(fault);
        }
    }

    /// Adds each of several faults.
    pub(crate) fn extend(&mut self, faults: impl IntoIterator<Item = Diagnostic>) {
        faults.into_iter().for_each(|fault| self.push(fault));
    }

    /// Says that `node`, which is `what`, is not `expected`.
    ///
    /// Silent about a text whose interpolation failed: nobody knows what it would have been.
    pub(crate) fn wrong_type(&mut self, node: &Node, what: impl fmt::Display, expected: &str) {
        if let Some(fault) = wrong_type(node, what, expected) {
            self.push(fault);
        }
    }

    /// Says that the value of `node`, which is `what`, is not one of `expected`, with the value itself: its type alone may
    /// be right.
    pub(crate) fn unfitting(&mut self, node: &Node, what: impl fmt::Display, expected: &str) {
        if node.is_collection() || node.is_null() || node.kind().is_none() {
            return self.wrong_type(node, what, expected);
        }
        let message = format!("{what} must be {expected}, not `{}`", node.to_value());
        self.push(Diagnostic::error(Code::WrongType, message).at(node.span, ""));
    }

    /// Says that `written` is none of the `known` keys of `what`.
    pub(crate) fn unknown_key(
        &mut self,
        written: &str,
        span: Span,
        what: impl fmt::Display,
        known: &[&str],
    ) {
        let fault = Diagnostic::error(
            Code::UnknownKey,
            format!("unknown key `{written}` in {what}"),
        );
        let help = match nearest(written, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known keys are {}", listed(known.iter().copied())),
        };
        self.push(fault.at(span, "").help(help));
    }

    /// Whether any of the faults stops the command.
    pub(crate) fn any_error(&self) -> bool {
        self.found.iter().any(Diagnostic::is_error)
    }

    /// The faults in the order they were found.
    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.found
    }

    /// The faults, those of `main` first and in the order of its lines.
    pub(crate) fn into_sorted(mut self, main: SourceId) -> Vec<Diagnostic> {
        self.found.sort_by_key(|fault| match fault.labels.first() {
            Some(label) if label.span.source == main => (false, label.span.start),
            _ => (true, 0),
        });
        self.found
    }
}

/// The fault that `node`, which is `what`, is not `expected`; none if its interpolation failed.
pub(crate) fn wrong_type(
    node: &Node,
    what: impl fmt::Display,
    expected: &str,
) -> Option<Diagnostic> {
    let kind = node.kind()?;
    let message = format!("{what} must be {expected}, not {kind}");
    Some(Diagnostic::error(Code::WrongType, message).at(node.span, format!("this is {kind}")))
}

/// Joins words for a message: `` `a`, `b` and `c` ``.
pub(crate) fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => "none".to_owned(),
    }
}
