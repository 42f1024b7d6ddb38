//! Durations and sizes as people write them: `1h30m`, `90`, `4GiB`.
//!
//! A number without a unit counts seconds or bytes. Units of sizes are decimal (`MB`) or binary (`MiB`); `M` alone, which
//! some tools take for the one and some for the other, is refused. Knows nothing of keys or places.

use std::time::Duration;

use crate::node::Data;

/// What a duration may look like, for messages.
pub(crate) const DURATION: &str = "a duration such as `90`, `10m` or `1h30m`";

/// What a size may look like, for messages.
pub(crate) const SIZE: &str = "a size such as `4GiB` or `500MB`";

/// Units of time in seconds, the largest first.
const TIMES: &[(&str, f64)] = &[
    ("d", 86_400.0),
    ("h", 3_600.0),
    ("m", 60.0),
    ("s", 1.0),
    ("ms", 0.001),
];

/// Units of size in bytes.
const SIZES: &[(&str, u64)] = &[
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// The longest duration, about 30 years: far below what clocks can count.
const LONGEST: f64 = 1e9;

/// A duration; none if the value says none.
pub(crate) fn duration(data: &Data) -> Option<Duration> {
    let seconds = match data {
        Data::Int(seconds) => *seconds as f64,
        Data::Float(seconds) => *seconds,
        Data::Text(text) => seconds(text)?,
        _ => return None,
    };
    let fits = (0.0..=LONGEST).contains(&seconds);
    fits.then(|| Duration::try_from_secs_f64(seconds).ok())?
}

/// `1h30m`: numbers with units, the larger first, each unit once; or seconds without unit.
fn seconds(text: &str) -> Option<f64> {
    let mut rest = text.trim();
    if let Some((seconds, "")) = number(rest) {
        return Some(seconds);
    }
    let mut units = TIMES.iter();
    let mut total = 0.0;
    while !rest.is_empty() {
        let (count, after) = number(rest)?;
        let after = after.trim_start();
        let length = after.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, after) = after.split_at(length.unwrap_or(after.len()));
        let (_, seconds) = units.find(|(known, _)| *known == unit)?;
        total += count * seconds;
        rest = after.trim_start();
    }
    (!text.trim().is_empty()).then_some(total)
}

/// A number of bytes; none if the value says none, or more than can be counted.
pub(crate) fn bytes(data: &Data) -> Option<u64> {
    match data {
        Data::Int(bytes) => u64::try_from(*bytes).ok(),
        Data::Text(text) => size(text.trim()),
        _ => None,
    }
}

fn size(text: &str) -> Option<u64> {
    let (count, unit) = number(text)?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let scale = match unit.as_str() {
        "" => 1,
        unit => SIZES.iter().find(|(known, _)| *known == unit)?.1,
    };
    let bytes = (count * scale as f64).round();
    (bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// The number a text starts with, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let length = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, rest) = text.split_at(length.unwrap_or(text.len()));
    let starts = number.starts_with(|c: char| c.is_ascii_digit());
    starts.then(|| Some((number.parse().ok()?, rest)))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Data {
        Data::Text(text.to_owned())
    }

    #[test]
    fn durations_are_numbers_with_units() {
        for (written, seconds) in [
            ("90", 90.0),
            ("1.5", 1.5),
            ("90s", 90.0),
            ("10m", 600.0),
            ("1h30m", 5400.0),
            (" 1 h 30 m ", 5400.0),
            ("1.5h", 5400.0),
            ("2d", 172_800.0),
            ("1s500ms", 1.5),
            ("250ms", 0.25),
            ("0", 0.0),
        ] {
            let expect = Some(Duration::from_secs_f64(seconds));
            assert_eq!(duration(&text(written)), expect, "{written}");
        }
        assert_eq!(duration(&Data::Int(90)), Some(Duration::from_secs(90)));
        assert_eq!(
            duration(&Data::Float(0.5)),
            Some(Duration::from_millis(500))
        );
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for written in [
            "",
            " ",
            "m",
            "10 minutes",
            "30m1h",
            "1m1m",
            "1h30",
            "-1s",
            "1e3",
            "1..5s",
            "10M",
            "9999999d",
            ".5s",
        ] {
            assert_eq!(duration(&text(written)), None, "{written}");
        }
        for data in [
            Data::Int(-1),
            Data::Int(i128::MAX),
            Data::Float(f64::NAN),
            Data::Float(f64::INFINITY),
            Data::Bool(true),
        ] {
            assert_eq!(duration(&data), None, "{data:?}");
        }
    }

    #[test]
    fn sizes_are_decimal_or_binary() {
        for (written, expect) in [
            ("4GiB", 4 << 30),
            ("500MB", 500_000_000),
            ("500 mb", 500_000_000),
            ("1.5KiB", 1536),
            ("10", 10),
            ("10B", 10),
            ("2TB", 2_000_000_000_000),
        ] {
            assert_eq!(bytes(&text(written)), Some(expect), "{written}");
        }
        assert_eq!(bytes(&Data::Int(1 << 33)), Some(1 << 33));
        for written in ["", "G", "4G", "4GiBs", "-1MB", "99999999TiB", "x"] {
            assert_eq!(bytes(&text(written)), None, "{written}");
        }
        assert_eq!(bytes(&Data::Int(-1)), None);
        assert_eq!(bytes(&Data::Float(1.5)), None);
    }
}
