//! `when:`, the condition under which a stage exists.
//!
//! `true` or `false`, or an expression of comparisons: `${model} == ridge and not (${fast} or ${n} != 3)`. Operands are read
//! as YAML would read them, so that `3` is a number and `'3'` a text, and an interpolation that is a whole operand keeps its
//! type; nothing that is interpolated can change how the expression is read. Knows nothing of stages.

use hpipe_core::Value;

use crate::pieces::{expression_length, is_template};
use crate::scalar;

/// How deep parentheses may stand in others: a guard for the stack.
const DEPTH_LIMIT: usize = 50;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// It is no condition: one lowercase fragment.
    Malformed(String),
    /// A name in it has no value, which has been told.
    Unresolved,
}

/// Whether a condition holds; `interpolate` gives the value of an operand that holds `${…}`.
pub(crate) fn holds(
    text: &str,
    interpolate: &mut dyn FnMut(&str) -> Option<Value>,
) -> Result<bool, NoAnswer> {
    let mut reader = Reader {
        words: words(text)?,
        at: 0,
        depth: 0,
        interpolate,
    };
    let answer = reader.any()?;
    match reader.next() {
        None => Ok(answer),
        Some(Word::Close) => Err(malformed("a `)` closes nothing")),
        Some(word) => Err(malformed(format!(
            "{} follows without `and` or `or`",
            word.shown()
        ))),
    }
}

fn malformed(why: impl Into<String>) -> NoAnswer {
    NoAnswer::Malformed(why.into())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word<'t> {
    Open,
    Close,
    Equal,
    Unequal,
    And,
    Or,
    Not,
    /// An operand as written.
    Plain(&'t str),
    /// One in quotes, without them.
    Quoted(&'t str),
}

impl Word<'_> {
    fn shown(self) -> String {
        let text = match self {
            Self::Open => "(",
            Self::Close => ")",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::And => "and",
            Self::Or => "or",
            Self::Not => "not",
            Self::Plain(text) | Self::Quoted(text) => text,
        };
        format!("`{text}`")
    }
}

fn words(text: &str) -> Result<Vec<Word<'_>>, NoAnswer> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '(' => (Word::Open, 1),
            ')' => (Word::Close, 1),
            '\'' | '"' => {
                let end = rest[1..].find(first);
                let end = end.ok_or_else(|| malformed("a quote is not closed"))?;
                (Word::Quoted(&rest[1..=end]), end + 2)
            }
            _ if rest.starts_with("==") => (Word::Equal, 2),
            _ if rest.starts_with("!=") => (Word::Unequal, 2),
            _ => {
                let length = plain_length(rest);
                (plain(&rest[..length]), length)
            }
        };
        words.push(word);
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

fn plain(word: &str) -> Word<'_> {
    match word {
        "and" => Word::And,
        "or" => Word::Or,
        "not" => Word::Not,
        word => Word::Plain(word),
    }
}

/// The length of the operand a text starts with; what stands in `${…}` is part of it.
fn plain_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let ends = next.is_whitespace() || "()".contains(next);
        if ends || rest.starts_with("==") || rest.starts_with("!=") {
            break;
        }
        at += expression_length(rest).unwrap_or(next.len_utf8());
    }
    at
}

struct Reader<'t, 'i> {
    words: Vec<Word<'t>>,
    at: usize,
    depth: usize,
    interpolate: &'i mut dyn FnMut(&str) -> Option<Value>,
}

impl<'t> Reader<'t, '_> {
    fn peek(&self) -> Option<Word<'t>> {
        self.words.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Word<'t>> {
        let word = self.peek();
        self.at += 1;
        word
    }

    fn take(&mut self, word: Word<'_>) -> bool {
        let is_next = self.peek() == Some(word);
        self.at += usize::from(is_next);
        is_next
    }

    /// Conditions with `or`; all are read, for each may be malformed.
    fn any(&mut self) -> Result<bool, NoAnswer> {
        let mut answer = self.all()?;
        while self.take(Word::Or) {
            answer |= self.all()?;
        }
        Ok(answer)
    }

    fn all(&mut self) -> Result<bool, NoAnswer> {
        let mut answer = self.one()?;
        while self.take(Word::And) {
            answer &= self.one()?;
        }
        Ok(answer)
    }

    fn one(&mut self) -> Result<bool, NoAnswer> {
        let mut negated = false;
        while self.take(Word::Not) {
            negated = !negated;
        }
        let answer = match self.take(Word::Open) {
            true => self.parentheses()?,
            false => self.comparison()?,
        };
        Ok(answer != negated)
    }

    fn parentheses(&mut self) -> Result<bool, NoAnswer> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(malformed("its parentheses are too deep"));
        }
        let answer = self.any()?;
        self.depth -= 1;
        match self.take(Word::Close) {
            true => Ok(answer),
            false => Err(malformed("a `(` is not closed")),
        }
    }

    fn comparison(&mut self) -> Result<bool, NoAnswer> {
        let start = self.at;
        let left = self.operand()?;
        if self.take(Word::Equal) {
            return Ok(left == self.operand()?);
        }
        if self.take(Word::Unequal) {
            return Ok(left != self.operand()?);
        }
        match left {
            Value::Bool(answer) => Ok(answer),
            _ => Err(malformed(match self.words.get(start).copied() {
                Some(word) if self.peek().is_none() || self.peek() == Some(Word::Close) => {
                    format!(
                        "{} is {}, neither true nor false",
                        word.shown(),
                        left.kind()
                    )
                }
                _ => "an operand needs `==` or `!=` after it".to_owned(),
            })),
        }
    }

    fn operand(&mut self) -> Result<Value, NoAnswer> {
        match self.next() {
            Some(Word::Plain(text)) => self.value(text, |text| scalar::plain(text).to_value()),
            Some(Word::Quoted(text)) => match self.value(text, |text| text.into())? {
                text @ Value::Text(_) => Ok(text),
                other => Ok(scalar::inserted(&other).map_or(other, Value::Text)),
            },
            Some(word) => Err(malformed(format!(
                "{} stands where a value is meant",
                word.shown()
            ))),
            None => Err(malformed("a value is missing at its end")),
        }
    }

    /// The value of an operand, which `literal` gives if nothing in it is interpolated.
    fn value(&mut self, text: &str, literal: impl Fn(&str) -> Value) -> Result<Value, NoAnswer> {
        match is_template(text) {
            true => (self.interpolate)(text).ok_or(NoAnswer::Unresolved),
            false => Ok(literal(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(text: &str) -> Result<bool, String> {
        let mut interpolate = |text: &str| match text {
            "${yes}" => Some(Value::Bool(true)),
            "${no}" => Some(Value::Bool(false)),
            "${n}" => Some(Value::Int(3)),
            "${name}" => Some("ridge or true".into()),
            "x-${n}" => Some("x-3".into()),
            _ => None,
        };
        holds(text, &mut interpolate).map_err(|error| match error {
            NoAnswer::Malformed(why) => why,
            NoAnswer::Unresolved => "unresolved".to_owned(),
        })
    }

    #[test]
    fn conditions_hold_or_not() {
        for (text, expect) in [
            ("true", true),
            ("False", false),
            ("${yes}", true),
            ("not ${yes}", false),
            ("not not ${yes}", true),
            ("${n} == 3", true),
            ("${n}==3.0", true),
            ("${n} == '3'", false),
            ("'${n}' == \"3\"", true),
            ("${n} != 3", false),
            ("x-${n} == x-3", true),
            ("${name} == 'ridge or true'", true),
            ("${name} == ridge", false),
            ("${no} or ${yes} and ${yes}", true),
            ("(${no} or ${yes}) and ${no}", false),
            ("${no} and ${yes} or ${yes}", true),
            ("not (${n} == 3 and ${yes}) or false", false),
            ("null == ~", true),
        ] {
            assert_eq!(answer(text), Ok(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_says_why() {
        for (text, expect) in [
            ("", "a value is missing at its end"),
            ("yes", "`yes` is a text, neither true nor false"),
            ("(${n})", "`${n}` is a number, neither true nor false"),
            ("${yes} ${no}", "`${no}` follows without `and` or `or`"),
            ("a b == c", "an operand needs `==` or `!=` after it"),
            ("${n} = 3", "an operand needs `==` or `!=` after it"),
            ("${n} ==", "a value is missing at its end"),
            ("== 3", "`==` stands where a value is meant"),
            ("(true", "a `(` is not closed"),
            ("true)", "a `)` closes nothing"),
            ("'a", "a quote is not closed"),
            ("${what} == 1", "unresolved"),
        ] {
            assert_eq!(answer(text), Err(expect.to_owned()), "{text}");
        }
        assert!(answer(&"(".repeat(100_000)).is_err());
        assert!(answer(&"not ".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"(\PC|[()$'"{}=!]|==|!=|\$\{n\}| and | or | not |true)*"#) {
            let _ = answer(&text);
        }
    }
}
