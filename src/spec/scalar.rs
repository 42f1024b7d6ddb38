//! Scalars: what a plain text means, and how a value is inserted into one.
//!
//! Plain texts mean what YAML 1.2's core schema says, nothing more: `yes`, `on` and `1_000` are texts, `017` is the
//! number 17 and `0o17` the number 15. Inserting follows DVC, which is Python's `str` but for booleans. Knows nothing of
//! places or of the parser.

use hpipe_core::Value;

use crate::node::Data;

/// What a plain (unquoted) scalar means.
pub(crate) fn plain(text: &str) -> Data {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        _ => number(text).unwrap_or_else(|| Data::Text(text.to_owned())),
    }
}

/// What the tag `!!suffix` makes of a scalar; none if it cannot.
pub(crate) fn tagged(suffix: &str, text: &str) -> Option<Data> {
    let data = match suffix {
        "str" => return Some(Data::Text(text.to_owned())),
        "float" => match plain(text) {
            Data::Int(number) => Data::Float(number as f64),
            other => other,
        },
        _ => plain(text),
    };
    let fits = match suffix {
        "null" => matches!(data, Data::Null),
        "bool" => matches!(data, Data::Bool(_)),
        "int" => matches!(data, Data::Int(_)),
        "float" => matches!(data, Data::Float(_)),
        _ => false,
    };
    fits.then_some(data)
}

fn number(text: &str) -> Option<Data> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => (1.0, &text[1..]),
        b'-' => (-1.0, &text[1..]),
        b'0'..=b'9' | b'.' => (1.0, text),
        _ => return None,
    };
    match digits {
        ".inf" | ".Inf" | ".INF" => return Some(Data::Float(sign * f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if text.starts_with('.') => return Some(Data::Float(f64::NAN)),
        _ => {}
    }
    if let Some(number) = based(text) {
        return Some(Data::Int(number));
    }
    if all_digits(digits)
        && let Ok(number) = text.parse()
    {
        return Some(Data::Int(number));
    }
    is_decimal(digits).then(|| text.parse().ok().map(Data::Float))?
}

/// `0o17` and `0xff`.
fn based(text: &str) -> Option<i128> {
    let (base, digits) = match text.get(..2)? {
        "0o" => (8, &text[2..]),
        "0x" => (16, &text[2..]),
        _ => return None,
    };
    let unsigned = digits.starts_with(|c: char| c.is_ascii_hexdigit());
    unsigned
        .then(|| i128::from_str_radix(digits, base).ok())
        .flatten()
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, then perhaps an exponent; integers too large for [`Data::Int`] as well.
fn is_decimal(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = match (whole, fraction) {
        ("", fraction) => all_digits(fraction),
        (whole, "") => all_digits(whole),
        (whole, fraction) => all_digits(whole) && all_digits(fraction),
    };
    mantissa_fits && exponent.is_none_or(|e| all_digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text that stands for `value` inside a longer text; none for lists and mappings.
pub(crate) fn inserted(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "None".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => inserted_float(*number),
        Value::Text(text) => text.clone(),
        Value::List(_) | Value::Map(_) => return None,
    })
}

/// Writes a float as Python does: like Rust's `Debug`, but for the exponent's sign and second digit.
fn inserted_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    let text = format!("{number:?}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => match exponent.strip_prefix('-') {
            Some(digits) => format!("{mantissa}e-{digits:0>2}"),
            None => format!("{mantissa}e+{exponent:0>2}"),
        },
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(format!("{:?}", plain(text)), expect, "{text}");
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        check("", "Null");
        check("~", "Null");
        check("True", "Bool(true)");
        check("yes", r#"Text("yes")"#);
        check("off", r#"Text("off")"#);
        check("017", "Int(17)");
        check("0o17", "Int(15)");
        check("0xff", "Int(255)");
        check("0x+f", r#"Text("0x+f")"#);
        check("-12", "Int(-12)");
        check("+1", "Int(1)");
        check("1_000", r#"Text("1_000")"#);
        check("1.", "Float(1.0)");
        check(".5", "Float(0.5)");
        check("1e-3", "Float(0.001)");
        check("-.inf", "Float(-inf)");
        check(".nan", "Float(NaN)");
        check("-.nan", r#"Text("-.nan")"#);
        check("inf", r#"Text("inf")"#);
        check("1.2.3", r#"Text("1.2.3")"#);
        check("-", r#"Text("-")"#);
        check(".", r#"Text(".")"#);
        check("1e", r#"Text("1e")"#);
        check("2026-11-22", r#"Text("2026-11-22")"#);
        check("٣", r#"Text("٣")"#);
        check(&"9".repeat(40), "Float(1e40)");
    }

    #[test]
    fn tags_must_fit() {
        assert!(matches!(tagged("str", "12"), Some(Data::Text(text)) if text == "12"));
        assert!(matches!(tagged("float", "12"), Some(Data::Float(_))));
        assert!(tagged("int", "1.5").is_none());
        assert!(tagged("binary", "AA==").is_none());
    }

    #[test]
    fn values_are_inserted_as_python_writes_them() {
        for (value, expect) in [
            (Value::Bool(true), "true"),
            (Value::Null, "None"),
            (Value::Int(-3), "-3"),
            (Value::Float(1.0), "1.0"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(0.0001), "0.0001"),
            (Value::Float(0.00001), "1e-05"),
            (Value::Float(1e16), "1e+16"),
            (Value::Float(1.5e300), "1.5e+300"),
            (Value::Float(f64::NEG_INFINITY), "-inf"),
            (Value::Float(-f64::NAN), "nan"),
            (Value::Text("a b".into()), "a b"),
        ] {
            assert_eq!(inserted(&value).as_deref(), Some(expect));
        }
        assert_eq!(inserted(&Value::List(vec![])), None);
    }
}
