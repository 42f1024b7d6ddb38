//! Reasons as a person reads them: a few on one line, or all of them with both values.

use hpipe_core::{Digest, Reason, ReasonKind, Value};

use crate::ui::text::one_line;

/// Widest form of a value on a line that shows several.
const VALUE_WIDTH: usize = 40;

/// Reasons named on one line before the rest is only counted.
const NAMED: usize = 2;

/// Writes reasons on one line: `param lr: 0.1 → 0.05, changed data/raw.csv, +3 more`; empty when there is none.
pub(crate) fn brief(reasons: &[Reason]) -> String {
    // Naming three is as short as naming two and saying that there is one more.
    let named = match reasons.len() <= NAMED + 1 {
        true => reasons.len(),
        false => NAMED,
    };
    let mut parts: Vec<_> = reasons[..named].iter().map(phrase).collect();
    if named < reasons.len() {
        parts.push(format!("+{} more", reasons.len() - named));
    }
    parts.join(", ")
}

/// Writes one reason for a line: `param lr: 0.1 → 0.05`.
pub(crate) fn phrase(reason: &Reason) -> String {
    let (old, new) = (reason.old.as_ref(), reason.new.as_ref());
    let (old, new) = distinct(old, new);
    let short = Reason {
        kind: reason.kind,
        name: reason.name.as_deref().map(|name| one_line(name, 60)),
        old: old.map(Value::Text),
        new: new.map(Value::Text),
    };
    short.to_string()
}

/// Writes what changed from what to what: `0.1 → 0.05`, `1f2e3d4c → 9a8b7c6d`; empty when neither is known.
pub(crate) fn change(reason: &Reason) -> String {
    if reason.unread().is_some() {
        return String::new();
    }
    match distinct(reason.old.as_ref(), reason.new.as_ref()) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (Some(old), None) => format!("was {old}"),
        (None, Some(new)) => format!("now {new}"),
        (None, None) => String::new(),
    }
}

/// What a reason is about, without its values: `param lr`, `changed data/raw.csv`.
pub(crate) fn subject(reason: &Reason) -> String {
    if reason.unread().is_some() {
        return one_line(&reason.to_string(), 80);
    }
    if let (ReasonKind::OutAdded, Some(name), Some(_)) = (reason.kind, &reason.name, &reason.old) {
        return one_line(&format!("out {name}"), 60);
    }
    let bare = Reason {
        old: None,
        new: None,
        ..reason.clone()
    };
    one_line(&bare.to_string(), 60)
}

/// Whether a reason's values are long texts that read better under each other.
pub(crate) fn is_long(reason: &Reason) -> bool {
    reason.kind == ReasonKind::Cmd
}

/// Both values in words, made to differ: the text `1` beside the number `1` gets quotes.
fn distinct(old: Option<&Value>, new: Option<&Value>) -> (Option<String>, Option<String>) {
    let short = |value: &Value| value_text(value);
    match (old, new) {
        (Some(a), Some(b)) if a.to_string() == b.to_string() => (Some(quoted(a)), Some(quoted(b))),
        _ => (old.map(short), new.map(short)),
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Text(text) => match text.parse::<Digest>() {
            Ok(digest) => digest.short(),
            Err(_) if text.is_empty() => "\"\"".to_owned(),
            Err(_) => one_line(text, VALUE_WIDTH),
        },
        other => one_line(&other.to_string(), VALUE_WIDTH),
    }
}

fn quoted(value: &Value) -> String {
    match value {
        Value::Text(_) => format!("\"{}\"", value_text(value)),
        _ => value_text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(byte: u8) -> Value {
        Value::Text(Digest::blake3([byte; 32]).to_string())
    }

    #[test]
    fn each_kind_reads_well() {
        let named = |kind: ReasonKind| match kind {
            ReasonKind::New | ReasonKind::Always | ReasonKind::Forced => Reason::plain(kind),
            ReasonKind::DepChanged | ReasonKind::OutChanged => {
                Reason::changed(kind, "data/raw.csv", digest(1), digest(2))
            }
            ReasonKind::Cmd => Reason {
                name: None,
                ..Reason::changed(kind, "", "a".into(), "b".into())
            },
            _ => Reason::changed(kind, "x", Value::Float(0.1), Value::Null),
        };
        let line = |kind| format!("{:40} {}", phrase(&named(kind)), change(&named(kind)));
        let lines: Vec<_> = ReasonKind::ALL
            .into_iter()
            .map(|kind| line(kind).trim_end().to_owned())
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r"
        never ran
        cmd changed                              a → b
        with x: 0.1 → null                       0.1 → null
        wdir x: 0.1 → null                       0.1 → null
        env x: 0.1 → null                        0.1 → null
        changed data/raw.csv                     01010101 → 02020202
        new dep x                                0.1 → null
        dep removed x                            0.1 → null
        dep missing x                            0.1 → null
        param x: 0.1 → null                      0.1 → null
        new param x                              0.1 → null
        param removed x                          0.1 → null
        out changed data/raw.csv                 01010101 → 02020202
        out missing x                            0.1 → null
        out x: 0.1 → null                        0.1 → null
        out removed x                            0.1 → null
        always changed
        forced
        waits for x                              0.1 → null
        ");
    }

    #[test]
    fn many_reasons_are_counted() {
        let reasons: Vec<_> = (0..5)
            .map(|n| Reason::about(ReasonKind::DepChanged, format!("d{n}")))
            .collect();
        assert_eq!(brief(&reasons[..0]), "");
        assert_eq!(brief(&reasons[..3]), "changed d0, changed d1, changed d2");
        assert_eq!(brief(&reasons), "changed d0, changed d1, +3 more");
    }

    #[test]
    fn values_that_look_equal_are_told_apart() {
        let typed = Reason::changed(ReasonKind::ParamChanged, "n", Value::Int(1), "1".into());
        assert_eq!(phrase(&typed), "param n: 1 → \"1\"");
        let empty = Reason::changed(ReasonKind::Env, "HOME", "".into(), "a\nb".into());
        assert_eq!(phrase(&empty), "env HOME: \"\" → a\\nb");
    }

    #[test]
    fn long_values_are_shortened() {
        let long = Reason::changed(
            ReasonKind::ParamChanged,
            "n",
            Value::Int(1),
            Value::Text("x".repeat(90)),
        );
        assert_eq!(phrase(&long), format!("param n: 1 → {}…", "x".repeat(39)));
    }
}
