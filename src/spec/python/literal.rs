//! Tokens of a Python literal to a value, as `ast.literal_eval` evaluates it.
//!
//! Numbers, texts, `True`, `False`, `None`, and lists, tuples, sets and mappings of these; anything else is no literal, and so
//! are bytes, complex numbers and `...`, which no params file of another format could hold.

use hpipe_core::{Span, Value};

use super::token::{Kind, Token};
use crate::node::{Data, Entry, Key, Node};
use crate::scalar::inserted;

/// How deep literals may hold others: a guard for the stack.
const DEPTH_LIMIT: usize = 100;

/// Reads the literal that all of some tokens make; none if they make none.
pub(super) fn read(text: &str, tokens: &[Token], place: impl Fn(&Token) -> Span) -> Option<Node> {
    let mut reader = Reader {
        text,
        tokens,
        place: &place,
        depth: 0,
    };
    let value = reader.tuple()?;
    reader.tokens.is_empty().then_some(value)
}

struct Reader<'t> {
    text: &'t str,
    /// What is not read yet.
    tokens: &'t [Token],
    place: &'t dyn Fn(&Token) -> Span,
    depth: usize,
}

impl Reader<'_> {
    fn sign(&self) -> &str {
        match self.tokens.first() {
            Some(token) if token.kind == Kind::Sign => &self.text[token.range.clone()],
            _ => "",
        }
    }

    /// Takes a sign if it is next.
    fn take(&mut self, sign: &str) -> bool {
        let is_next = self.sign() == sign;
        if is_next {
            self.tokens = &self.tokens[1..];
        }
        is_next
    }

    /// The place of what was read since the token `first`.
    fn span(&self, first: &[Token]) -> Option<Span> {
        let read = &first[..first.len() - self.tokens.len()];
        let (start, end) = ((self.place)(read.first()?), (self.place)(read.last()?));
        Some(Span {
            end: end.end,
            ..start
        })
    }

    /// A value, or several with commas, which are a tuple.
    fn tuple(&mut self) -> Option<Node> {
        let start = self.tokens;
        let first = self.value()?;
        if self.sign() != "," {
            return Some(first);
        }
        let mut items = vec![first];
        while self.take(",") {
            match self.sign() == ")" || self.tokens.is_empty() {
                true => break,
                false => items.push(self.value()?),
            }
        }
        Some(Node::new(Data::List(items), self.span(start)?))
    }

    fn value(&mut self) -> Option<Node> {
        self.depth += 1;
        let start = self.tokens;
        let data = match self.depth <= DEPTH_LIMIT {
            true => self.data(),
            false => None,
        }?;
        self.depth -= 1;
        Some(Node::new(data, self.span(start)?))
    }

    fn data(&mut self) -> Option<Data> {
        let (first, rest) = self.tokens.split_first()?;
        let word = &self.text[first.range.clone()];
        self.tokens = rest;
        match (first.kind, word) {
            (Kind::Name, "True") => Some(Data::Bool(true)),
            (Kind::Name, "False") => Some(Data::Bool(false)),
            (Kind::Name, "None") => Some(Data::Null),
            (Kind::Name, "set") => (self.take("(") && self.take(")")).then(|| Data::List(vec![])),
            (Kind::Number, word) => number(word, false),
            (Kind::Sign, "+" | "-") => self.signed(word == "-"),
            (Kind::Text, word) => self.text(word),
            (Kind::Sign, "(") => self.parentheses(),
            (Kind::Sign, "[") => self.items("]").map(Data::List),
            (Kind::Sign, "{") => self.braces(),
            _ => None,
        }
    }

    fn signed(&mut self, negative: bool) -> Option<Data> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        match first.kind {
            Kind::Number => number(&self.text[first.range.clone()], negative),
            _ => None,
        }
    }

    /// Strings side by side are one.
    fn text(&mut self, first: &str) -> Option<Data> {
        let mut text = decoded(first)?;
        while let Some((next, rest)) = self.tokens.split_first() {
            if next.kind != Kind::Text {
                break;
            }
            text.push_str(&decoded(&self.text[next.range.clone()])?);
            self.tokens = rest;
        }
        Some(Data::Text(text))
    }

    fn parentheses(&mut self) -> Option<Data> {
        if self.take(")") {
            return Some(Data::List(Vec::new()));
        }
        let inside = self.tuple()?;
        self.take(")").then_some(inside.data)
    }

    /// Values with commas up to a closing sign, which is taken.
    fn items(&mut self, close: &str) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value()?);
            if self.sign() != close && !self.take(",") {
                return None;
            }
        }
        Some(items)
    }

    /// A mapping or a set.
    fn braces(&mut self) -> Option<Data> {
        if self.take("}") {
            return Some(Data::Map(Vec::new()));
        }
        let first = self.value()?;
        if self.take(":") {
            return self.mapping(first).map(Data::Map);
        }
        let mut items = vec![first];
        if self.take(",") {
            items.extend(self.items("}")?);
        } else if !self.take("}") {
            return None;
        }
        Some(Data::List(distinct(items)))
    }

    /// A mapping whose first key and colon are read.
    fn mapping(&mut self, first: Node) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        let mut key = first;
        loop {
            let value = self.value()?;
            let text = inserted(&key.to_value())?;
            set(
                &mut entries,
                Key {
                    text,
                    span: key.span,
                },
                value,
            );
            let more = self.take(",");
            if self.take("}") {
                return Some(entries);
            }
            if !more {
                return None;
            }
            key = self.value()?;
            if !self.take(":") {
                return None;
            }
        }
    }
}

/// Gives a key a value, in its old place when it has one.
pub(super) fn set(entries: &mut Vec<Entry>, key: Key, value: Node) {
    match entries.iter_mut().find(|entry| entry.key.text == key.text) {
        Some(entry) => *entry = Entry { key, value },
        None => entries.push(Entry { key, value }),
    }
}

/// The items of a set: each once, in an order that does not depend on how they are written.
fn distinct(items: Vec<Node>) -> Vec<Node> {
    let mut kept: Vec<(Value, Node)> = Vec::new();
    for item in items {
        let value = item.to_value();
        if kept.iter().all(|(known, _)| *known != value) {
            kept.push((value, item));
        }
    }
    kept.sort_by_key(|(value, _)| value.to_string());
    kept.into_iter().map(|(_, item)| item).collect()
}

fn number(word: &str, negative: bool) -> Option<Data> {
    let sign = if negative { "-" } else { "" };
    let digits = word.replace('_', "").to_ascii_lowercase();
    let base = match digits.get(..2) {
        Some("0x") => 16,
        Some("0o") => 8,
        Some("0b") => 2,
        _ => 10,
    };
    if base != 10 {
        let number = i128::from_str_radix(&format!("{sign}{}", &digits[2..]), base);
        return number.ok().map(Data::Int);
    }
    let is_whole = digits.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = digits.starts_with('0') && digits.bytes().any(|byte| byte != b'0');
    match is_whole {
        true if leading_zero => None,
        true => format!("{sign}{digits}").parse().ok().map(Data::Int),
        false => {
            let fits = |byte: u8| byte.is_ascii_digit() || b".e+-".contains(&byte);
            let number = format!("{sign}{digits}").parse().ok().map(Data::Float);
            number.filter(|_| digits.bytes().all(fits))
        }
    }
}

/// The text of a string; none for bytes and for what is formatted.
fn decoded(word: &str) -> Option<String> {
    let quote = word.find(['\'', '"'])?;
    let prefix = word[..quote].to_ascii_lowercase();
    if prefix.contains(['b', 'f', 't']) {
        return None;
    }
    let width =
        if word[quote..].len() >= 6 && word[quote..].starts_with(&word[quote..=quote].repeat(3)) {
            3
        } else {
            1
        };
    let body = word[quote + width..word.len() - width].replace("\r\n", "\n");
    match prefix.contains('r') {
        true => Some(body),
        false => unescaped(&body),
    }
}

fn unescaped(body: &str) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let escape = rest[backslash + 1..].chars().next()?;
        rest = &rest[backslash + 1 + escape.len_utf8()..];
        let length = match escape {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='7' => {
                let digits = rest
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..=b'7').contains(b));
                let digits = digits.count();
                let code = u32::from_str_radix(&format!("{escape}{}", &rest[..digits]), 8);
                text.push(char::from_u32(code.ok()?)?);
                rest = &rest[digits..];
                continue;
            }
            'N' => return None,
            other => {
                match simple(other) {
                    Some(replaced) => text.push_str(replaced),
                    None => text.extend(['\\', other]),
                }
                continue;
            }
        };
        let code = u32::from_str_radix(rest.get(..length)?, 16).ok()?;
        text.push(char::from_u32(code)?);
        rest = &rest[length..];
    }
    text.push_str(rest);
    Some(text)
}

/// What a backslash and a character stand for; none if for themselves.
const fn simple(escaped: char) -> Option<&'static str> {
    Some(match escaped {
        '\n' => "",
        '\\' => "\\",
        '\'' => "'",
        '"' => "\"",
        'a' => "\u{7}",
        'b' => "\u{8}",
        'f' => "\u{c}",
        'n' => "\n",
        'r' => "\r",
        't' => "\t",
        'v' => "\u{b}",
        _ => return None,
    })
}
