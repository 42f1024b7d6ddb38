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
    /// Number of those that were found after [`MOST`].
    left_out: usize,
}

/// How many faults are kept: whoever has more mends these first.
const MOST: usize = 1_000;

/// How many faults get help that costs time in proportion to the file.
const WELL_EXPLAINED: usize = 100;

impl Faults {
    /// Adds a fault, unless it is already there.
    pub(crate) fn push(&mut self, fault: Diagnostic) {
        let place = fault.labels.first().map(|label| label.span);
        let key = (fault.code, place, fault.message);
        if self.seen.contains(&key) {
            return;
        }
        if self.found.len() >= MOST {
            self.left_out += 1;
            return;
        }
        self.found.push(Diagnostic {
            message: key.2.clone(),
            ..fault
        });
        self.seen.insert(key);
    }

    /// Whether there are so few faults that each is worth looking for the nearest name, and for its place in a long text.
    pub(crate) fn are_few(&self) -> bool {
        self.found.len() < WELL_EXPLAINED
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
    pub(crate) fn into_vec(mut self) -> Vec<Diagnostic> {
        self.tell_left_out();
        self.found
    }

    fn tell_left_out(&mut self) {
        if let (1.., Some(last)) = (self.left_out, self.found.last()) {
            let message = format!("{} more faults are not shown", self.left_out);
            self.found.push(Diagnostic::error(last.code, message));
        }
    }

    /// The faults, those of `main` first and in the order of its lines.
    pub(crate) fn into_sorted(mut self, main: SourceId) -> Vec<Diagnostic> {
        self.found.sort_by_key(|fault| match fault.labels.first() {
            Some(label) if label.span.source == main => (false, label.span.start),
            _ => (true, 0),
        });
        self.tell_left_out();
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
