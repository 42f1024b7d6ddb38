//! The little languages of `hpipe tune`: `train.lr=float(1e-3, 0.1, log)`, `metrics.json:rmse`, `90s`.
//!
//! What stands between the parentheses of a domain is YAML's flow style, so that numbers and texts mean what they mean in
//! a params file. Whether a domain makes sense is not decided here.

use std::time::Duration;

use hpipe_core::{Mapping, OptionFault, Value, nearest};
use hpipe_spec::Document;

/// The kinds of domains.
const KINDS: [&str; 3] = ["int", "float", "categorical"];

/// A param to search and its domain, as a study's file would have it.
pub(super) fn param(text: &str) -> Result<(String, Value), OptionFault> {
    let Some((name, domain)) = text.split_once('=') else {
        return Err(fault("names no domain", EXAMPLE));
    };
    let (name, domain) = (name.trim(), domain.trim());
    if name.is_empty() {
        return Err(fault("names no param", EXAMPLE));
    }
    let value = match domain.starts_with('{') {
        true => yaml(domain)?,
        false => call(domain)?,
    };
    Ok((name.to_owned(), value))
}

const EXAMPLE: &str =
    "write `NAME=float(LOW, HIGH)`, `NAME=int(LOW, HIGH)` or `NAME=categorical(A, B)`";

/// `float(1e-3, 0.1, log)` as `{float: [1e-3, 0.1], log: true}`.
fn call(text: &str) -> Result<Value, OptionFault> {
    let Some((kind, inner)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) else {
        return Err(fault(format!("`{text}` is no domain"), EXAMPLE));
    };
    let kind = kind.trim();
    if !KINDS.contains(&kind) {
        let help = match nearest(kind, KINDS.into_iter()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "kinds are `int`, `float` and `categorical`".to_owned(),
        };
        return Err(fault(format!("there is no kind of param `{kind}`"), help));
    }
    let Value::List(items) = yaml(&format!("[{inner}]"))? else {
        return Err(fault(format!("`{inner}` is no list of values"), EXAMPLE));
    };
    if kind == "categorical" {
        return Ok(mapping([(kind, Value::List(items))]));
    }
    let (options, ends): (Vec<_>, Vec<_>) = items
        .into_iter()
        .partition(|item| matches!(item, Value::Text(_)));
    let mut found = vec![(kind.to_owned(), Value::List(ends))];
    for option in options {
        found.push(option_of(option.as_text().unwrap_or_default())?);
    }
    Ok(Value::Map(found.into_iter().collect()))
}

/// `log`, or `step=0.1`.
fn option_of(text: &str) -> Result<(String, Value), OptionFault> {
    match text.split_once('=') {
        None => Ok((text.to_owned(), Value::Bool(true))),
        Some((name, value)) => Ok((name.trim().to_owned(), yaml(value)?)),
    }
}

fn mapping<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let owned = entries.map(|(key, value)| (key.to_owned(), value));
    Value::Map(owned.into_iter().collect::<Mapping>())
}

/// A value in YAML.
pub(super) fn yaml(text: &str) -> Result<Value, OptionFault> {
    match Document::read("", text) {
        Ok(document) => Ok(document.value),
        Err(error) => {
            let message = error
                .diagnostics
                .into_iter()
                .map(|found| found.message)
                .next();
            Err(fault(message.unwrap_or_default(), EXAMPLE))
        }
    }
}

/// The file and the dotted name of a metric.
pub(super) fn metric(text: &str) -> Option<(&str, &str)> {
    let (file, key) = text.rsplit_once(':')?;
    (!file.is_empty() && !key.is_empty()).then_some((file, key))
}

/// A time: seconds, or a number and one of `s`, `m`, `h`, `d`.
pub(super) fn time(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Int(seconds) => *seconds as f64,
        Value::Float(seconds) => *seconds,
        Value::Text(text) => {
            let (number, unit) = text.split_at(text.len() - text.chars().last()?.len_utf8());
            let unit = match unit {
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86400.0,
                _ => return None,
            };
            number.trim().parse::<f64>().ok()? * unit
        }
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds).ok()
}

fn fault(message: impl Into<String>, help: impl Into<String>) -> OptionFault {
    OptionFault {
        path: String::new(),
        message: message.into(),
        help: Some(help.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn params_are_what_a_study_would_say() {
        for (text, expect) in [
            (
                "lr=float(1e-3, 0.1, log)",
                "lr: {float: [0.001, 0.1], log: true}",
            ),
            (" a.b = int( 1,9 , step=2 )", "a.b: {int: [1, 9], step: 2}"),
            (
                "x=float(0, 1, points=5, log=false)",
                "x: {float: [0, 1], points: 5, log: false}",
            ),
            (
                "c.yaml:kind=categorical(ridge, \"a, b\", 1, null)",
                "c.yaml:kind: {categorical: [ridge, a, b, 1, null]}",
            ),
            (
                "x={float: [0, 1], when: {kind: a}}",
                "x: {float: [0, 1], when: {kind: a}}",
            ),
        ] {
            let told = param(text).map(|(name, value)| format!("{name}: {value}"));
            assert_eq!(told.as_deref(), Ok(expect), "{text}");
        }
    }

    #[test]
    fn what_is_no_param_says_why() {
        for (text, expect) in [
            ("lr", "names no domain"),
            ("=int(1, 2)", "names no param"),
            ("lr=0.1", "`0.1` is no domain"),
            ("lr=flaot(0, 1)", "there is no kind of param `flaot`"),
            ("lr=float([0, 1)", "not valid YAML: unclosed bracket '['"),
        ] {
            let message = param(text).map_err(|fault| fault.message);
            assert_eq!(message, Err(expect.to_owned()), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        let text = |text: &str| time(&Value::from(text)).map(|time| time.as_secs_f64());
        assert_eq!(text("90s"), Some(90.0));
        assert_eq!(text("1.5h"), Some(5400.0));
        assert_eq!(text("2 d"), Some(172_800.0));
        for none in ["", "s", "m5", "-1s", "5 minutes"] {
            assert_eq!(text(none), None, "{none}");
        }
        assert_eq!(time(&Value::Int(3)), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_metric_is_a_file_and_a_name() {
        assert_eq!(
            metric("m/a.json:test.rmse"),
            Some(("m/a.json", "test.rmse"))
        );
        assert_eq!(metric("a.json"), None);
        assert_eq!(metric("a.json:"), None);
    }
}
