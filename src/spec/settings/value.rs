//! The types of settings: what each takes, from a file and from the environment.

use hpipe_core::{Code, Diagnostic, Span, Value};

use crate::faults::{Faults, listed};
use crate::node::{Data, Node};
use crate::quantity;

/// What a setting takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number from 1.
    Count,
    /// A size: `16GiB`.
    Size,
    /// A text that is not empty.
    Text,
    /// A list of texts.
    Texts,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words, in order of preference; or one.
    Words(&'static [&'static str]),
    /// GPUs: how many, or a list of their names.
    Devices,
}

impl Kind {
    /// The value of a node; none if it is another type, which is told.
    pub(super) fn read(self, key: &str, node: &Node, faults: &mut Faults) -> Option<Value> {
        let value = node.to_value();
        if self.accepts(node) {
            return Some(value);
        }
        let wrong = self.wrong_item(node).unwrap_or(node);
        let shown = match &wrong.data {
            Data::Text(text) => format!("`{text}`"),
            Data::Int(_) => format!("`{}`", wrong.to_value()),
            _ => wrong.kind().unwrap_or("this").to_owned(),
        };
        let message = format!("`{key}` must be {}, not {shown}", self.expected());
        faults.push(Diagnostic::error(Code::WrongType, message).at(wrong.span, ""));
        None
    }

    /// The first item of a list that would not do alone.
    fn wrong_item(self, node: &Node) -> Option<&Node> {
        let Data::List(items) = &node.data else {
            return None;
        };
        let alone = match self {
            Self::Words(words) => Self::Word(words),
            Self::Texts | Self::Devices => Self::Text,
            _ => return None,
        };
        items.iter().find(|item| !alone.accepts(item))
    }

    fn accepts(self, node: &Node) -> bool {
        let is_text = |node: &Node| matches!(&node.data, Data::Text(text) if !text.is_empty());
        let is_one_of = |node: &Node, words: &[&str]| matches!(&node.data, Data::Text(text) if words.contains(&text.as_str()));
        match (self, &node.data) {
            (Self::Flag, Data::Bool(_)) => true,
            (Self::Count, Data::Int(number)) => (1..=i128::from(u16::MAX)).contains(number),
            (Self::Devices, Data::Int(number)) => (0..=1024).contains(number),
            (Self::Size, data) => quantity::bytes(data).is_some(),
            (Self::Text, _) => is_text(node),
            (Self::Texts | Self::Devices, Data::List(items)) => items.iter().all(is_text),
            (Self::Word(words), _) => is_one_of(node, words),
            (Self::Words(words), Data::List(items)) => {
                !items.is_empty() && items.iter().all(|item| is_one_of(item, words))
            }
            (Self::Words(words), _) => is_one_of(node, words),
            _ => false,
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Count => "a whole number from 1".to_owned(),
            Self::Size => quantity::SIZE.to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Word(words) => format!("one of {}", listed(words.iter().copied())),
            Self::Words(words) => format!("a list of some of {}", listed(words.iter().copied())),
            Self::Devices => "a number of GPUs, or a list of their names".to_owned(),
        }
    }

    /// A text of the environment or the command line as what a file would hold; a list is separated by commas.
    pub(super) fn of_text(self, text: &str, span: Span) -> Data {
        let whole = || Data::Text(text.to_owned());
        match self {
            Self::Flag => text.parse().map_or_else(|_| whole(), Data::Bool),
            Self::Count | Self::Size => text.parse().map_or_else(|_| whole(), Data::Int),
            Self::Text | Self::Word(_) => whole(),
            Self::Devices => text.parse().map_or_else(|_| items(text, span), Data::Int),
            Self::Texts | Self::Words(_) => items(text, span),
        }
    }
}

fn items(text: &str, span: Span) -> Data {
    let items = text
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    Data::List(
        items
            .map(|item| Node::new(Data::Text(item.to_owned()), span))
            .collect(),
    )
}
