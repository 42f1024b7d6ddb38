//! Python text to tokens: words, numbers, strings, signs, and where lines and blocks begin and end.
//!
//! As Python's own tokenizer does it, but for the inside of f-strings, which nobody here reads. Knows nothing of what tokens
//! mean together.

use std::ops::Range;

/// What a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Name,
    /// A number.
    Number,
    /// A string with its prefix and quotes.
    Text,
    /// Anything else: `=`, `**`, `(`.
    Sign,
    /// The end of a logical line.
    Newline,
    /// The beginning of a block.
    Indent,
    /// Its end.
    Dedent,
}

/// A token and its bytes.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) range: Range<usize>,
}

/// Why a text is no Python, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) place: Range<usize>,
    pub(super) why: &'static str,
}

/// Signs of more than one character, longer ones first.
const SIGNS: &[&str] = &[
    "**=", "//=", ">>=", "<<=", "...", "==", "!=", "<=", ">=", "->", ":=", "+=", "-=", "*=", "/=",
    "%=", "&=", "|=", "^=", "@=", "**", "//", "<<", ">>",
];

/// How far a tab goes.
const TAB: usize = 8;

/// Cuts a text into tokens; a logical line ends with [`Kind::Newline`], every [`Kind::Indent`] has its [`Kind::Dedent`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Refused> {
    let mut lexer = Lexer {
        text,
        at: text.len() - text.trim_start_matches('\u{feff}').len(),
        tokens: Vec::new(),
        open: Vec::new(),
        indents: vec![0],
    };
    lexer.file()?;
    Ok(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
    /// Brackets that are open.
    open: Vec<usize>,
    /// Columns of the blocks that are open.
    indents: Vec<usize>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let range = self.at..self.at + length;
        self.at = range.end;
        self.tokens.push(Token { kind, range });
    }

    fn refused(&self, length: usize, why: &'static str) -> Refused {
        let place = self.at..self.text.ceil_char_boundary(self.at + length);
        Refused { place, why }
    }

    fn file(&mut self) -> Result<(), Refused> {
        while !self.rest().is_empty() {
            self.line_start()?;
            self.line()?;
        }
        if let Some(open) = self.open.last() {
            self.at = *open;
            return Err(self.refused(1, "this bracket is not closed"));
        }
        if self
            .tokens
            .last()
            .is_some_and(|last| last.kind != Kind::Newline)
        {
            self.push(Kind::Newline, 0);
        }
        self.dedent_to(0);
        Ok(())
    }

    /// Skips what is blank, and opens or closes blocks.
    fn line_start(&mut self) -> Result<(), Refused> {
        loop {
            let rest = self.rest();
            let content = rest.trim_start_matches([' ', '\t', '\u{c}']);
            let indent = &rest[..rest.len() - content.len()];
            let line = content.find('\n').map_or(content.len(), |end| end + 1);
            if content.is_empty() || content[..line].trim().is_empty() || content.starts_with('#') {
                self.at += indent.len() + line;
                if content.is_empty() {
                    return Ok(());
                }
                continue;
            }
            self.at += indent.len();
            let column = column(indent);
            if self.indents.last().is_some_and(|last| column > *last) {
                self.indents.push(column);
                self.push(Kind::Indent, 0);
            }
            self.dedent_to(column);
            return match self.indents.last() == Some(&column) {
                true => Ok(()),
                false => Err(self.refused(1, "this line is indented like none before it")),
            };
        }
    }

    fn dedent_to(&mut self, column: usize) {
        while self.indents.last().is_some_and(|last| *last > column) {
            self.indents.pop();
            self.push(Kind::Dedent, 0);
        }
    }

    /// The tokens of a logical line.
    fn line(&mut self) -> Result<(), Refused> {
        while let Some(next) = self.rest().chars().next() {
            match next {
                '\n' if self.open.is_empty() => {
                    self.push(Kind::Newline, 1);
                    return Ok(());
                }
                ' ' | '\t' | '\u{c}' | '\r' | '\n' => self.at += 1,
                '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                '\\' => self.continued()?,
                _ => self.token(next)?,
            }
        }
        Ok(())
    }

    /// A backslash at the end of a line.
    fn continued(&mut self) -> Result<(), Refused> {
        let rest = &self.rest()[1..];
        let newline = ["\r\n", "\n"].into_iter().find(|end| rest.starts_with(end));
        match newline {
            Some(newline) => {
                self.at += 1 + newline.len();
                Ok(())
            }
            None => Err(self.refused(1, "a backslash must end its line")),
        }
    }

    fn token(&mut self, next: char) -> Result<(), Refused> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        if let Some(prefix) = string_prefix(rest) {
            let length = self.string(prefix)?;
            self.push(Kind::Text, length);
        } else if is_digit(0) || (next == '.' && is_digit(1)) {
            self.push(Kind::Number, number_length(rest));
        } else if next == '_' || next.is_alphabetic() || !next.is_ascii() {
            let in_name = |c: char| c == '_' || c.is_alphanumeric() || !c.is_ascii();
            let length = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            self.push(Kind::Name, length);
        } else {
            self.sign(next)?;
        }
        Ok(())
    }

    fn sign(&mut self, next: char) -> Result<(), Refused> {
        match next {
            '(' | '[' | '{' => self.open.push(self.at),
            ')' | ']' | '}' => {
                let opened = self
                    .open
                    .pop()
                    .and_then(|at| self.text[at..].chars().next());
                if !matches!(
                    (opened, next),
                    (Some('('), ')') | (Some('['), ']') | (Some('{'), '}')
                ) {
                    return Err(self.refused(1, "this bracket closes none"));
                }
            }
            '$' | '?' | '!' | '`' if !self.rest().starts_with("!=") => {
                return Err(self.refused(1, "this character has no meaning here"));
            }
            c if c.is_ascii_control() => {
                return Err(self.refused(1, "this character has no meaning here"));
            }
            _ => {}
        }
        let rest = self.rest();
        let long = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        self.push(Kind::Sign, long.map_or(1, |sign| sign.len()));
        Ok(())
    }

    /// The length of a string with its prefix.
    fn string(&self, prefix: usize) -> Result<usize, Refused> {
        let rest = self.rest();
        let body = &rest[prefix..];
        let quote = &body[..1];
        let triple = quote.repeat(3);
        let (close, is_long) = match body.starts_with(&triple) {
            true => (triple.as_str(), true),
            false => (quote, false),
        };
        let mut at = prefix + close.len();
        while let Some(found) = rest[at..].find(['\\', '\n', '\'', '"']) {
            at += found;
            match &rest[at..] {
                rest if rest.starts_with(close) => return Ok(at + close.len()),
                rest if rest.starts_with('\n') && !is_long => break,
                rest if rest.starts_with("\\\r\n") => at += 3,
                rest if rest.starts_with('\\') => {
                    at += 1 + rest[1..].chars().next().map_or(0, char::len_utf8);
                }
                _ => at += 1,
            }
        }
        Err(self.refused(prefix + close.len(), "this string is not closed"))
    }
}

fn column(indent: &str) -> usize {
    indent.chars().fold(0, |column, c| match c {
        '\t' => (column / TAB + 1) * TAB,
        '\u{c}' => 0,
        _ => column + 1,
    })
}

/// The length of a string's prefix; none if no string starts here.
fn string_prefix(text: &str) -> Option<usize> {
    let head = text.as_bytes().iter().take(3);
    let quote = head.into_iter().position(|c| matches!(c, b'\'' | b'"'))?;
    let is_prefix = |c: &u8| b"rbuft".contains(&c.to_ascii_lowercase());
    text.as_bytes()[..quote]
        .iter()
        .all(is_prefix)
        .then_some(quote)
}

fn number_length(text: &str) -> usize {
    let is_hex = text.starts_with("0x") || text.starts_with("0X");
    let mut last = b' ';
    let ends = |byte: u8| {
        let is_exponent = !is_hex && last.eq_ignore_ascii_case(&b'e');
        last = byte;
        let is_sign = matches!(byte, b'+' | b'-');
        !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || (is_exponent && is_sign))
    };
    text.bytes().position(ends).unwrap_or(text.len())
}
