//! Params in Python files: what is assigned a literal at the top of the file, in a class, or to `self` in `__init__`.
//!
//! As in DVC nothing is executed: `lr = 0.1` is a param, `lr = compute()` is none. A class is a mapping of what its body and
//! its `__init__` assign. What stands under `if`, in loops and other functions is not looked at, neither are assignments to
//! several names at once. Of Python's syntax only what decides where statements begin and end is checked. Sets are lists,
//! sorted; tuples are lists.

mod literal;
mod token;

use std::ops::Range;

use hpipe_core::{Code, Diagnostic, SourceId, Span};

use crate::faults::Faults;
use crate::node::{Data, Entry, Key, Node};
use token::{Kind, Token};

/// How deep classes may hold others: a guard for the stack.
const DEPTH_LIMIT: usize = 50;

/// Reads the params of a Python text; none if it is no Python, which `faults` then tells.
pub(crate) fn read(text: &str, source: SourceId, faults: &mut Faults) -> Option<Node> {
    match token::tokens(text) {
        Ok(tokens) => {
            let mut reader = Reader {
                text,
                source,
                tokens: &tokens,
            };
            let entries = reader.body(false, 0);
            let span = span(source, 0..text.len());
            Some(Node::new(Data::Map(entries), span))
        }
        Err(refused) => {
            let message = format!("not valid Python: {}", refused.why);
            let fault = Diagnostic::error(Code::BadParamFile, message);
            faults.push(fault.at(span(source, refused.place), ""));
            None
        }
    }
}

fn span(source: SourceId, range: Range<usize>) -> Span {
    Span {
        source,
        start: range.start as u32,
        end: range.end as u32,
    }
}

struct Reader<'t> {
    text: &'t str,
    source: SourceId,
    /// What is not read yet.
    tokens: &'t [Token],
}

impl<'t> Reader<'t> {
    fn word(&self, token: &Token) -> &'t str {
        &self.text[token.range.clone()]
    }

    fn next_is(&self, kind: Kind) -> bool {
        self.tokens.first().is_some_and(|token| token.kind == kind)
    }

    /// Takes the tokens of a logical line, without its end.
    fn line(&mut self) -> &'t [Token] {
        let is_end = |token: &Token| token.kind == Kind::Newline;
        let end = self.tokens.iter().position(is_end);
        let (line, rest) = self.tokens.split_at(end.unwrap_or(self.tokens.len()));
        self.tokens = rest.get(1..).unwrap_or_default();
        line
    }

    /// The params of statements up to the end of their block; in `__init__` only those of `self`.
    fn body(&mut self, only_self: bool, depth: usize) -> Vec<Entry> {
        let mut params = Vec::new();
        while let Some(first) = self.tokens.first() {
            match first.kind {
                Kind::Dedent => break,
                Kind::Indent => self.skip_block(),
                _ => self.statement(only_self, depth, &mut params),
            }
        }
        params
    }

    fn statement(&mut self, only_self: bool, depth: usize, params: &mut Vec<Entry>) {
        let line = self.line();
        let mut words = line.iter().map(|token| self.word(token));
        match (words.next(), words.next(), depth < DEPTH_LIMIT) {
            (Some("class"), Some(_), true) => {
                let name = &line[1];
                let within = self.block(line, false, depth);
                let key = self.key(name);
                let value = Node::new(Data::Map(within), key.span);
                literal::set(params, key, value);
            }
            (Some("def"), Some("__init__"), true) => {
                for Entry { key, value } in self.block(line, true, depth) {
                    literal::set(params, key, value);
                }
            }
            _ if self.next_is(Kind::Indent) => {} // another compound statement: `body` skips its block
            _ => self.assignments(line, only_self, params),
        }
    }

    /// The params of what a header opens: the block that follows, or what stands on the same line.
    fn block(&mut self, header: &'t [Token], only_self: bool, depth: usize) -> Vec<Entry> {
        if self.next_is(Kind::Indent) {
            self.tokens = &self.tokens[1..];
            let within = self.body(only_self, depth + 1);
            self.tokens = self.tokens.get(1..).unwrap_or_default();
            return within;
        }
        let mut params = Vec::new();
        let colon = self.at_top(header, ":").next();
        let line = colon.map_or(&[][..], |colon| &header[colon + 1..]);
        self.assignments(line, only_self, &mut params);
        params
    }

    fn skip_block(&mut self) {
        let mut open = 0_usize;
        while let Some((first, rest)) = self.tokens.split_first() {
            self.tokens = rest;
            match first.kind {
                Kind::Indent => open += 1,
                Kind::Dedent => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
    }

    /// Where a sign stands outside of all brackets.
    fn at_top(&self, tokens: &'t [Token], sign: &'t str) -> impl Iterator<Item = usize> + use<'t> {
        let (text, mut open) = (self.text, 0_usize);
        let indexed = tokens.iter().enumerate();
        indexed.filter_map(move |(index, token)| {
            let word = &text[token.range.clone()];
            match word {
                "(" | "[" | "{" => open += 1,
                ")" | "]" | "}" => open = open.saturating_sub(1),
                _ => {}
            }
            (open == 0 && token.kind == Kind::Sign && word == sign).then_some(index)
        })
    }

    fn assignments(&self, line: &'t [Token], only_self: bool, params: &mut Vec<Entry>) {
        let ends: Vec<usize> = self.at_top(line, ";").chain([line.len()]).collect();
        let mut start = 0;
        for end in ends {
            if let Some((key, value)) = self.assignment(&line[start..end], only_self) {
                literal::set(params, key, value);
            }
            start = end + 1;
        }
    }

    /// `name = literal` or `name: type = literal`.
    fn assignment(&self, tokens: &'t [Token], only_self: bool) -> Option<(Key, Node)> {
        let mut equals = self.at_top(tokens, "=");
        let equal = equals.next()?;
        let annotation = self.at_top(&tokens[..equal], ":").next();
        if equals.next().is_some() {
            return None;
        }
        let key = self.target(&tokens[..annotation.unwrap_or(equal)], only_self)?;
        let place = |token: &Token| span(self.source, token.range.clone());
        let value = literal::read(self.text, &tokens[equal + 1..], place)?;
        Some((key, value))
    }

    /// `name`, or `self.name`.
    fn target(&self, tokens: &[Token], only_self: bool) -> Option<Key> {
        match tokens {
            [name] if name.kind == Kind::Name && !only_self => Some(self.key(name)),
            [owner, dot, name] if self.word(owner) == "self" && self.word(dot) == "." => {
                Some(self.key(name))
            }
            _ => None,
        }
    }

    fn key(&self, name: &Token) -> Key {
        Key {
            text: self.word(name).to_owned(),
            span: span(self.source, name.range.clone()),
        }
    }
}
