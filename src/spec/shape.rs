//! Asks a [`Node`] for a type and reports when it is another.
//!
//! Every function returns what it can and tells [`Faults`] the rest, so that one fault never hides the next. Nothing
//! written (`outs:` and no more) counts as an empty list or mapping, as in DVC. Knows nothing of which keys exist.

use std::borrow::Cow;
use std::fmt::Display;

use crate::faults::Faults;
use crate::node::{Data, Entry, Node};

/// The text of a node.
pub(crate) fn text<'n>(
    node: &'n Node,
    what: impl Display,
    faults: &mut Faults,
) -> Option<Cow<'n, str>> {
    let text = node.text();
    if text.is_none() {
        faults.wrong_type(node, what, "a text");
    }
    text
}

/// The boolean of a node.
pub(crate) fn flag(node: &Node, what: impl Display, faults: &mut Faults) -> Option<bool> {
    match &node.data {
        Data::Bool(flag) => Some(*flag),
        _ => {
            faults.wrong_type(node, what, "`true` or `false`");
            None
        }
    }
}

/// The items of a node.
pub(crate) fn list<'n>(
    node: &'n Node,
    what: impl Display,
    expected: &str,
    faults: &mut Faults,
) -> &'n [Node] {
    match &node.data {
        Data::List(items) => items,
        Data::Null => &[],
        _ => {
            faults.wrong_type(node, what, expected);
            &[]
        }
    }
}

/// The entries of a node.
pub(crate) fn map<'n>(
    node: &'n Node,
    what: impl Display,
    expected: &str,
    faults: &mut Faults,
) -> &'n [Entry] {
    match &node.data {
        Data::Map(entries) => entries,
        Data::Null => &[],
        _ => {
            faults.wrong_type(node, what, expected);
            &[]
        }
    }
}

/// The entry of a key, if anything is written there.
pub(crate) fn find<'n>(entries: &'n [Entry], key: &str) -> Option<&'n Entry> {
    entries
        .iter()
        .find(|entry| entry.key.text == key && !entry.value.is_null())
}
