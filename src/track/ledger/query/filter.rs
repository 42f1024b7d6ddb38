//! From text to checked conditions, and to fields to sort by.

use super::super::error::Result;
use super::field::{Entity, Field, Kind, Subject, UseIn};
use super::invalid;
use super::tokens::{self, Token};

/// How a field and a value are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Like,
    ILike,
    In,
    NotIn,
    IsNull,
    IsNotNull,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Text(String),
    Integer(i64),
    Number(f64),
    List(Vec<Self>),
}

/// One condition, which fits its field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    pub(crate) field: Field,
    pub(crate) operator: Operator,
    pub(crate) value: Value,
}

impl Condition {
    /// Whether it asks for what has the tag `key` set to true.
    pub(crate) fn asks_for(&self, key: &str) -> bool {
        let Value::Text(text) = &self.value else {
            return false;
        };
        let wanted = match self.operator {
            Operator::Equal => "true",
            Operator::NotEqual => "false",
            _ => return false,
        };
        self.field.entity == Entity::Tag
            && self.field.key == key
            && text.eq_ignore_ascii_case(wanted)
    }
}

impl Operator {
    const fn word(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::In => "IN",
            Self::NotIn => "NOT IN",
            Self::IsNull => "IS NULL",
            Self::IsNotNull => "IS NOT NULL",
        }
    }

    fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "=" => Self::Equal,
            "!=" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterEqual,
            _ => return None,
        })
    }

    const fn is_null_test(self) -> bool {
        matches!(self, Self::IsNull | Self::IsNotNull)
    }

    const fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }
}

/// Reads a filter: every condition must hold.
pub(crate) fn parse(filter: &str, subject: &Subject) -> Result<Vec<Condition>> {
    let tokens = tokens::read(filter)?;
    let mut rest = tokens.as_slice();
    let mut conditions = Vec::new();
    while !rest.is_empty() {
        if !conditions.is_empty() {
            match rest.split_first() {
                Some((and, left)) if and.is_word("AND") => rest = left,
                _ => return Err(clause(rest)),
            }
        }
        let (condition, left) = condition(rest, subject)?;
        conditions.push(condition);
        rest = left;
    }
    Ok(conditions)
}

/// What is left over and means nothing.
fn clause(tokens: &[Token]) -> super::LedgerError {
    let words: Vec<_> = tokens.iter().map(Token::shown).collect();
    invalid(format!(
        "Invalid clause(s) in filter string: '{}'",
        words.join(" ")
    ))
}

fn condition<'a>(tokens: &'a [Token], subject: &Subject) -> Result<(Condition, &'a [Token])> {
    let [Token::Name(name), rest @ ..] = tokens else {
        return Err(clause(tokens));
    };
    let field = subject.field(name, UseIn::Filter)?;
    let (operator, rest) = operator(rest).ok_or_else(|| clause(tokens))?;
    check_operator(&field, operator, subject)?;
    let (value, rest) = match operator.is_null_test() {
        true => (Value::Nothing, rest),
        false => value(&field, operator, rest)?,
    };
    let condition = Condition {
        field,
        operator,
        value,
    };
    Ok((condition, rest))
}

fn operator(tokens: &[Token]) -> Option<(Operator, &[Token])> {
    let at = |index: usize, word: &str| tokens.get(index).is_some_and(|token| token.is_word(word));
    let (found, taken) = match tokens.first()? {
        Token::Operator(sign) => (Operator::of(sign)?, 1),
        _ if at(0, "LIKE") => (Operator::Like, 1),
        _ if at(0, "ILIKE") => (Operator::ILike, 1),
        _ if at(0, "IN") => (Operator::In, 1),
        _ if at(0, "NOT") && at(1, "IN") => (Operator::NotIn, 2),
        _ if at(0, "IS") && at(1, "NULL") => (Operator::IsNull, 2),
        _ if at(0, "IS") && at(1, "NOT") && at(2, "NULL") => (Operator::IsNotNull, 3),
        _ => return None,
    };
    Some((found, &tokens[taken..]))
}

fn check_operator(field: &Field, operator: Operator, subject: &Subject) -> Result<()> {
    use Operator::{
        Equal, Greater, GreaterEqual, ILike, In, Less, LessEqual, Like, NotEqual, NotIn,
    };
    if operator.is_null_test() {
        return match subject.asks_null.contains(&field.entity) {
            true => Ok(()),
            false => Err(invalid(format!(
                "IS NULL / IS NOT NULL is only supported for tags and params, not for '{}' '{}'",
                field.entity.name(),
                field.key
            ))),
        };
    }
    let valid: &[Operator] = match (field.entity, field.kind) {
        (_, Kind::Number) => &[Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual],
        (_, Kind::Id) => &[Equal, NotEqual, In, NotIn],
        (Entity::Param | Entity::Tag, Kind::Text) => &[Equal, NotEqual, Like, ILike],
        (_, Kind::Text) => &[Equal, NotEqual, Like, ILike, In, NotIn],
    };
    if valid.contains(&operator) {
        return Ok(());
    }
    let words: Vec<_> = valid.iter().map(|operator| operator.word()).collect();
    Err(invalid(format!(
        "Invalid comparator '{}' not one of '{words:?}'",
        operator.word()
    )))
}

fn value<'a>(
    field: &Field,
    operator: Operator,
    tokens: &'a [Token],
) -> Result<(Value, &'a [Token])> {
    let Some((first, rest)) = tokens.split_first() else {
        return Err(invalid(format!(
            "Invalid comparison clause: {} {} has no value",
            field.key,
            operator.word()
        )));
    };
    if operator.takes_list() {
        let (texts, rest) = list(tokens)?;
        if !field.lists {
            return Err(invalid(format!(
                "'{}' does not support comparison with a list of quoted string values.",
                field.key
            )));
        }
        let values = texts.into_iter().map(|text| text_value(field, text));
        return Ok((Value::List(values.collect::<Result<_>>()?), rest));
    }
    let value = match (field.kind, first) {
        (Kind::Number, Token::Number(text)) => number(field, text)?,
        (Kind::Number, other) => {
            return Err(invalid(format!(
                "Expected numeric value type for {}: {}. Found {}",
                field.entity.name(),
                field.key,
                other.shown()
            )));
        }
        (Kind::Text | Kind::Id, token) => match quoted(token) {
            Some(text) => text_value(field, text)?,
            None => {
                return Err(invalid(format!(
                    "Expected a quoted string value for {} (e.g. 'my-value'). Got value {}",
                    field.entity.name(),
                    token.shown()
                )));
            }
        },
    };
    Ok((value, rest))
}

/// The text of a token in quotes, of either kind.
fn quoted(token: &Token) -> Option<String> {
    match token {
        Token::Text(text) => Some(text.clone()),
        Token::Name(parts) => match parts.as_slice() {
            [part] if part.is_quoted => Some(part.text.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn text_value(field: &Field, text: String) -> Result<Value> {
    if field.kind != Kind::Id {
        return Ok(Value::Text(text));
    }
    let number = text.parse().map(Value::Integer);
    number.map_err(|_| {
        invalid(format!(
            "Invalid experiment ID '{text}'. Experiment ID must be a valid integer."
        ))
    })
}

fn number(field: &Field, text: &str) -> Result<Value> {
    let wrong = || {
        invalid(format!(
            "Invalid value for numeric attribute '{}': '{text}'",
            field.key
        ))
    };
    if field.entity == Entity::Attribute
        && let Ok(integer) = text.parse()
    {
        return Ok(Value::Integer(integer));
    }
    text.parse().map(Value::Number).map_err(|_| wrong())
}

fn list(tokens: &[Token]) -> Result<(Vec<String>, &[Token])> {
    let broken = || {
        invalid(
            "While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.",
        )
    };
    let [Token::Mark('('), rest @ ..] = tokens else {
        return Err(broken());
    };
    let end = rest
        .iter()
        .position(|token| *token == Token::Mark(')'))
        .ok_or_else(broken)?;
    let mut texts = Vec::new();
    for (index, token) in rest[..end].iter().enumerate() {
        match (index % 2, token) {
            (0, token) => texts.push(quoted(token).ok_or_else(broken)?),
            (_, Token::Mark(',')) => {}
            _ => return Err(broken()),
        }
    }
    match texts.is_empty() {
        true => Err(broken()),
        false => Ok((texts, &rest[end + 1..])),
    }
}

/// Reads what to sort by; whether the smallest come first.
pub(crate) fn order(text: &str, subject: &Subject) -> Result<(Field, bool)> {
    let wrong = || {
        invalid(format!(
            "Invalid order_by clause '{text}'. Could not be parsed."
        ))
    };
    let tokens = tokens::read(text).map_err(|_| wrong())?;
    let (name, ascending) = match tokens.as_slice() {
        [Token::Name(name)] => (name, true),
        [Token::Name(name), direction] if direction.is_word("ASC") => (name, true),
        [Token::Name(name), direction] if direction.is_word("DESC") => (name, false),
        [Token::Name(_), Token::Name(_)] => {
            return Err(invalid(format!(
                "Invalid ordering key in order_by clause '{text}'."
            )));
        }
        _ => return Err(wrong()),
    };
    let field = subject.field(name, UseIn::Order)?;
    match field.entity {
        Entity::Dataset => Err(invalid("Invalid order_by entity: dataset")),
        _ => Ok((field, ascending)),
    }
}
