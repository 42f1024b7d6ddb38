//! Points in time as tables write them.

use hpipe_core::{Column, Values};

/// Seconds since 1970 (UTC) of every row; none where a row says no time.
///
/// Whole and other numbers count seconds, or milliseconds, microseconds, nanoseconds where they are larger than any of the unit
/// before until the year 5138; texts are as in RFC 3339, `2026-11-22`, `2026-11-22 21:05`, `2026-11-22T21:05:07.5+01:00`; without an offset, UTC.
pub(crate) fn seconds(column: &Column) -> Vec<Option<f64>> {
    match &column.values {
        Values::Number(values) => values.iter().map(|x| x.and_then(of_number)).collect(),
        Values::Integer(values) => values
            .iter()
            .map(|x| x.and_then(|x| of_number(x as f64)))
            .collect(),
        Values::Text(values) => values
            .iter()
            .map(|text| of_text(text.as_deref()?.trim()))
            .collect(),
        Values::Boolean(values) => vec![None; values.len()],
    }
}

fn of_number(x: f64) -> Option<f64> {
    let per_second = match x.abs() {
        size if size < 1e11 => 1.0,
        size if size < 1e14 => 1e3,
        size if size < 1e17 => 1e6,
        _ => 1e9,
    };
    x.is_finite().then_some(x / per_second)
}

fn of_text(text: &str) -> Option<f64> {
    if let Ok(number) = text.parse::<f64>() {
        return of_number(number);
    }
    let (date, rest) = text.split_at_checked(10)?;
    let days = days(date)?;
    let Some(rest) = rest.strip_prefix(['T', 't', ' ']) else {
        return rest.is_empty().then_some(days * 86_400.0);
    };
    let offset_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, offset) = rest.split_at(offset_at);
    Some(days * 86_400.0 + clock_seconds(clock)? - offset_seconds(offset)?)
}

/// Days since 1970 in the Gregorian calendar (Hinnant, `days_from_civil`).
fn days(date: &str) -> Option<f64> {
    let mut parts = date.split('-');
    let mut next = || parts.next()?.parse::<i64>().ok();
    let (year, month, day) = (next()?, next()?, next()?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some((era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468) as f64)
}

fn clock_seconds(clock: &str) -> Option<f64> {
    let mut parts = clock.split(':');
    let hours: f64 = parts.next()?.parse().ok()?;
    let minutes: f64 = parts.next()?.parse().ok()?;
    let seconds: f64 = parts.next().map_or(Some(0.0), |text| text.parse().ok())?;
    let is_clock = hours < 24.0 && minutes < 60.0 && seconds < 61.0;
    is_clock.then_some(hours * 3600.0 + minutes * 60.0 + seconds)
}

fn offset_seconds(offset: &str) -> Option<f64> {
    if matches!(offset, "" | "Z" | "z") {
        return Some(0.0);
    }
    let sign = if offset.starts_with('-') { -1.0 } else { 1.0 };
    Some(sign * clock_seconds(&offset[1..])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_tables_write_them() {
        for (text, expect) in [
            ("1970-01-01", Some(0.0)),
            ("2026-11-22", Some(1_795_305_600.0)),
            ("2026-11-22 21:05", Some(1_795_381_500.0)),
            ("2026-11-22T22:05:07.5+01:00", Some(1_795_381_507.5)),
            ("2026-11-22T21:05:00Z", Some(1_795_381_500.0)),
            ("1795381500", Some(1_795_381_500.0)),
            ("1795381500123", Some(1_795_381_500.123)),
            ("1795381500123456", Some(1_795_381_500.123_456)),
            ("1795381500000000000", Some(1_795_381_500.0)),
            ("yesterday", None),
            ("2026-13-22", None),
            ("2026-11-22x", None),
            ("", None),
        ] {
            assert_eq!(of_text(text), expect, "{text}");
        }
    }
}
