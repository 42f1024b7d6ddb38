//! Scalars: what a plain text means, and how a value is inserted into one.
//!
//! Plain texts mean what they mean to DVC's reader: YAML 1.2's core schema (`yes` and `on` are texts, `017` is the number
//! 17 and `0o17` the number 15), and beyond it `1_000` and `0b11` are numbers. Inserting follows DVC too, which is Python's
//! `str` but for booleans. Knows nothing of places or of the parser.

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

/// A number as the YAML reader of DVC takes it: the core schema's, with `_` between digits, `0b11`, and a sign before any.
fn number(text: &str) -> Option<Data> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => ("", &text[1..]),
        b'-' => ("-", &text[1..]),
        b'0'..=b'9' | b'.' => ("", text),
        _ => return None,
    };
    match digits {
        ".inf" | ".Inf" | ".INF" if sign == "-" => return Some(Data::Float(f64::NEG_INFINITY)),
        ".inf" | ".Inf" | ".INF" => return Some(Data::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" if text.starts_with('.') => return Some(Data::Float(f64::NAN)),
        _ => {}
    }
    if let Some(number) = based(sign, digits) {
        return Some(Data::Int(number));
    }
    let whole = all_digits(digits);
    if !whole && !is_decimal(digits) {
        return None;
    }
    let plain = format!("{sign}{}", digits.replace('_', ""));
    let int = || plain.parse().ok().map(Data::Int);
    let float = || plain.parse().ok().map(Data::Float);
    whole.then(int).flatten().or_else(float)
}

/// `0o17`, `0xff` and `0b11`.
fn based(sign: &str, digits: &str) -> Option<i128> {
    let (base, digits) = match digits.get(..2)? {
        "0b" => (2, &digits[2..]),
        "0o" => (8, &digits[2..]),
        "0x" => (16, &digits[2..]),
        _ => return None,
    };
    let fits = |c: char| c == '_' || c.is_digit(base);
    let plain = digits.chars().all(fits).then(|| digits.replace('_', ""))?;
    i128::from_str_radix(&format!("{sign}{plain}"), base).ok()
}

/// `[0-9][0-9_]*\.[0-9_]*`, then perhaps an exponent; or `[0-9][0-9_]*` with one; or `\.[0-9_]+`, whose exponent needs its
/// sign; integers too large for [`Data::Int`] as well.
fn is_decimal(digits: &str) -> bool {
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let starts = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let in_digits = |text: &str| {
        text.bytes()
            .all(|byte| byte == b'_' || byte.is_ascii_digit())
    };
    let mantissa_fits = match whole {
        "" => starts(fraction),
        whole => starts(whole),
    };
    let exponent_fits = exponent.is_none_or(|exponent| {
        let unsigned = exponent.strip_prefix(['+', '-']);
        let digits = unsigned.unwrap_or(exponent);
        (unsigned.is_some() || !whole.is_empty())
            && !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    mantissa_fits && in_digits(whole) && in_digits(fraction) && exponent_fits
}

/// `[0-9_]+` that says a number.
fn all_digits(text: &str) -> bool {
    let fits = |byte: u8| byte == b'_' || byte.is_ascii_digit();
    text.bytes().all(fits) && text.contains(|c: char| c.is_ascii_digit())
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
    fn plain_scalars_mean_what_they_mean_to_dvc() {
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
        check("1_000", "Int(1000)");
        check("1__0_", "Int(10)");
        check("_1", r#"Text("_1")"#);
        check("+_1", "Int(1)");
        check("-_", r#"Text("-_")"#);
        check("-0x1f", "Int(-31)");
        check("0x_1f", "Int(31)");
        check("0b11", "Int(3)");
        check("0b2", r#"Text("0b2")"#);
        check("0o8", r#"Text("0o8")"#);
        check("0x", r#"Text("0x")"#);
        check("0x-1", r#"Text("0x-1")"#);
        check("1_0.2_5", "Float(10.25)");
        check(".5e+3", "Float(500.0)");
        check(".5e3", r#"Text(".5e3")"#);
        check("5.e3", "Float(5000.0)");
        check("1e3_0", r#"Text("1e3_0")"#);
        check("._5", r#"Text("._5")"#);
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
