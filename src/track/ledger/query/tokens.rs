//! Words of a filter: names, numbers, texts, operators.

use super::super::error::Result;
use super::invalid;

/// One word, as written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name, perhaps of several parts with dots, some of them quoted; and keywords.
    Name(Vec<Part>),
    /// A number.
    Number(String),
    /// A text in quotes.
    Text(String),
    /// `=`, `!=`, `<`, `<=`, `>`, `>=`, and others that mean nothing.
    Operator(String),
    /// `(`, `)` or `,`.
    Mark(char),
}

/// What stands between two dots of a name, or within quotes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) text: String,
    pub(crate) is_quoted: bool,
}

impl Token {
    /// Whether it is this keyword, in capitals or not.
    pub(crate) fn is_word(&self, word: &str) -> bool {
        match self {
            Self::Name(parts) => {
                matches!(parts.as_slice(), [part] if !part.is_quoted && part.text.eq_ignore_ascii_case(word))
            }
            _ => false,
        }
    }

    /// As it may be shown in a message.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Name(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| part.text.as_str()).collect();
                parts.join(".")
            }
            Self::Number(text) | Self::Operator(text) => text.clone(),
            Self::Text(text) => format!("'{text}'"),
            Self::Mark(mark) => mark.to_string(),
        }
    }
}

/// Reads the words of a text.
pub(crate) fn read(text: &str) -> Result<Vec<Token>> {
    let mut rest = text.trim_start();
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, left) = match first {
            '\'' => quoted(rest, '\'').map(|(text, left)| (Token::Text(text), left)),
            '"' | '`' => name(rest),
            '(' | ')' | ',' => Ok((Token::Mark(first), &rest[1..])),
            '=' | '!' | '<' | '>' => Ok(operator(rest)),
            '0'..='9' | '+' | '-' | '.' => number(rest),
            _ if is_name(first) => name(rest),
            _ => Err(invalid(format!(
                "Invalid clause(s) in filter string: '{rest}'"
            ))),
        }?;
        tokens.push(token);
        rest = left.trim_start();
    }
    Ok(tokens)
}

/// Characters of names that are not quoted.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '/' | '-' | ':' | '@' | '$')
}

fn operator(text: &str) -> (Token, &str) {
    let end = text
        .find(|c| !matches!(c, '=' | '!' | '<' | '>'))
        .unwrap_or(text.len());
    let (operator, rest) = text.split_at(end);
    (Token::Operator(operator.to_owned()), rest)
}

fn number(text: &str) -> Result<(Token, &str)> {
    let mut end = 0;
    let mut before = ' ';
    for c in text.chars() {
        let is_sign = matches!(c, '+' | '-') && (end == 0 || matches!(before, 'e' | 'E'));
        if !(c.is_ascii_digit() || c == '.' || is_sign || matches!(c, 'e' | 'E')) {
            break;
        }
        before = c;
        end += c.len_utf8();
    }
    let (number, rest) = text.split_at(end);
    match number.parse::<f64>() {
        Ok(_) => Ok((Token::Number(number.to_owned()), rest)),
        Err(_) => Err(invalid(format!(
            "Invalid clause(s) in filter string: '{text}'"
        ))),
    }
}

/// The text between two equal marks, of which a doubled one stands for itself.
fn quoted(text: &str, mark: char) -> Result<(String, &str)> {
    let mut found = String::new();
    let mut rest = &text[mark.len_utf8()..];
    loop {
        let Some(end) = rest.find(mark) else {
            return Err(invalid(format!(
                "Invalid clause(s) in filter string: {text} has no closing {mark}"
            )));
        };
        found.push_str(&rest[..end]);
        rest = &rest[end + mark.len_utf8()..];
        if !rest.starts_with(mark) {
            return Ok((found, rest));
        }
        found.push(mark);
        rest = &rest[mark.len_utf8()..];
    }
}

fn name(text: &str) -> Result<(Token, &str)> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, left) = match rest.chars().next() {
            Some(mark @ ('"' | '`')) => {
                let (text, left) = quoted(rest, mark)?;
                (
                    Part {
                        text,
                        is_quoted: true,
                    },
                    left,
                )
            }
            _ => {
                let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                let (word, left) = rest.split_at(end);
                let text = word.to_owned();
                (
                    Part {
                        text,
                        is_quoted: false,
                    },
                    left,
                )
            }
        };
        parts.push(part);
        match left.strip_prefix('.') {
            Some(left) => rest = left,
            None => return Ok((Token::Name(parts), left)),
        }
    }
}
