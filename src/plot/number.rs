//! Numbers as people read them, the same in every chart and table.
//!
//! Significant digits rather than decimals, since a chart may show dollars or fractions of a second; a true minus sign;
//! commas between thousands from 10,000; powers of ten (`2×10⁻⁵`) where zeros would have to be counted.

/// From here on up numbers are written with a power of ten.
const LARGE: f64 = 1e6;
/// Below this numbers are written with a power of ten.
const SMALL: f64 = 1e-4;

/// Writes `value` with at least `significant` significant digits: `0.450`, `20,640`, `−3.20`, `2.00×10⁻⁵`.
///
/// Whole numbers below a million are written exactly, without decimals. An infinite value is `∞` or `−∞`, a NaN `–`.
pub fn format_number(value: f64, significant: usize) -> String {
    if !value.is_finite() {
        return not_finite(value);
    }
    let size = value.abs();
    if value == value.trunc() && size < LARGE {
        return fixed(value, 0);
    }
    if !(SMALL..LARGE).contains(&size) {
        return scientific(value, significant.saturating_sub(1));
    }
    let magnitude = exponent(value);
    let decimals = significant as i32 - 1 - magnitude;
    fixed(value, decimals.max(0) as usize)
}

/// As [`format_number`], without zeros at the end that say nothing: `0.45`, `2×10⁻⁵`. For settings and bounds.
pub fn format_short(value: f64, significant: usize) -> String {
    let text = format_number(value, significant);
    let (digits, power) = match text.find('×') {
        Some(at) => text.split_at(at),
        None => (text.as_str(), ""),
    };
    if !digits.contains('.') {
        return text;
    }
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}{power}")
}

/// Writes values that stand below each other with the same number of decimals: enough for `significant` digits of the
/// largest. Very large and very small ones are written as [`format_number`] does.
pub(crate) fn format_alike(values: &[f64], significant: usize) -> Vec<String> {
    let finite = values.iter().filter(|value| value.is_finite());
    let largest = finite.fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let is_whole = values.iter().all(|value| value.fract() == 0.0);
    let decimals = (significant as i32 - 1 - exponent(largest)).max(0) as usize;
    let write = |value: &f64| match value.is_finite()
        && largest < LARGE
        && (largest >= SMALL || largest == 0.0)
    {
        true if is_whole => fixed(*value, 0),
        true => fixed(*value, decimals),
        false => format_number(*value, significant),
    };
    values.iter().map(write).collect()
}

/// `value` with this many decimals: thousands grouped, a true minus, no negative zero.
pub(crate) fn fixed(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let sign = if value < 0.0 && !is_zero { "−" } else { "" };
    format!("{sign}{}", grouped(&digits))
}

/// `value` as a mantissa with this many decimals, times a power of ten; `10⁻³` for a bare power.
pub(crate) fn scientific(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa.replace('-', "−");
    format!("{mantissa}×10{}", superscript(power))
}

/// A power of ten: `10⁻⁵`, `1`, `10⁶`.
pub(crate) fn power_of_ten(exponent: i32) -> String {
    match exponent {
        0 => "1".to_owned(),
        _ => format!("10{}", superscript(&exponent.to_string())),
    }
}

/// Appends a coordinate in pixels, to a tenth, as short as it can be.
pub(crate) fn coordinate_into(out: &mut String, pixels: f64) {
    let tenths = (pixels.clamp(-1e6, 1e6) * 10.0).round() as i64;
    if tenths < 0 {
        out.push('-');
    }
    let (whole, tenth) = (tenths.abs() / 10, tenths.abs() % 10);
    out.push_str(&whole.to_string());
    if tenth != 0 {
        out.push('.');
        out.push_str(&tenth.to_string());
    }
}

/// The power of ten of the leading digit, as `format!` rounds it.
pub(crate) fn exponent(value: f64) -> i32 {
    if value == 0.0 {
        return 0;
    }
    value.abs().log10().floor() as i32
}

fn not_finite(value: f64) -> String {
    let text = match value {
        f64::INFINITY => "∞",
        f64::NEG_INFINITY => "−∞",
        _ => "–",
    };
    text.to_owned()
}

fn superscript(digits: &str) -> String {
    let raised = |digit| match digit {
        '-' => '⁻',
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4' => '⁴',
        '5' => '⁵',
        '6' => '⁶',
        '7' => '⁷',
        '8' => '⁸',
        _ => '⁹',
    };
    digits.chars().map(raised).collect()
}

/// Commas between thousands from five digits on, as in `9999` and `10,000`.
fn grouped(digits: &str) -> String {
    let whole = digits.find('.').unwrap_or(digits.len());
    if whole < 5 {
        return digits.to_owned();
    }
    let mut out = String::with_capacity(digits.len() + whole / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place < whole && (whole - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_significant_digits() {
        let check = |value, expect: &str| assert_eq!(format_number(value, 3), expect);
        check(0.0, "0");
        check(-0.0, "0");
        check(0.45, "0.450");
        check(-3.2, "−3.20");
        check(12.345, "12.3");
        check(20640.0, "20,640");
        check(20640.4, "20,640");
        check(999_999.0, "999,999");
        check(1_500_000.0, "1.50×10⁶");
        check(2e-5, "2.00×10⁻⁵");
        check(f64::NAN, "–");
        check(f64::NEG_INFINITY, "−∞");
        check(1e300, "1.00×10³⁰⁰");
    }

    #[test]
    fn short_numbers_drop_what_says_nothing() {
        let check = |value, expect: &str| assert_eq!(format_short(value, 4), expect);
        check(0.45, "0.45");
        check(2e-5, "2×10⁻⁵");
        check(100.0, "100");
        check(0.1 + 0.2, "0.3");
        check(1_230_000.0, "1.23×10⁶");
    }

    #[test]
    fn coordinates_are_short() {
        let check = |value, expect: &str| {
            let mut out = String::new();
            coordinate_into(&mut out, value);
            assert_eq!(out, expect);
        };
        check(12.0, "12");
        check(12.34, "12.3");
        check(-0.04, "0");
        check(-0.26, "-0.3");
        check(f64::NAN, "0");
        check(f64::INFINITY, "1000000");
    }
}
