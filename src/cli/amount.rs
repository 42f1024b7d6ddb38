//! Ages and sizes, as people write them on the command line and read them in reports.

use std::time::Duration;

/// Units of time, in seconds.
const TIMES: [(&str, f64); 5] = [
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
    ("w", 604_800.0),
];

/// Units of size, in bytes; the longest first, for `MB` ends with `B`.
const SIZES: [(&str, f64); 13] = [
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("K", 1024.0),
    ("M", 1_048_576.0),
    ("G", 1_073_741_824.0),
    ("B", 1.0),
];

/// Reads an age: `90s`, `30m`, `2h`, `30d`, `2w`.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let refuse = || format!("`{text}` is no age; expected a number and s, m, h, d or w, as in 30d");
    let seconds = number_of(text, &TIMES).ok_or_else(refuse)?;
    Duration::try_from_secs_f64(seconds).map_err(|_| refuse())
}

/// Reads a size in bytes: `10GiB`, `500 MB`, `2G`, `0`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let bytes = number_of(text, &SIZES).or_else(|| text.trim().parse().ok());
    match bytes {
        Some(bytes) if (0.0..=u64::MAX as f64).contains(&bytes) => Ok(bytes as u64),
        _ => Err(format!(
            "`{text}` is no size; expected a number of bytes, or of KiB, MiB, GiB, TiB, kB, MB, GB or TB, as in 10GiB"
        )),
    }
}

fn number_of(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let with_unit = |(unit, factor): &(&str, f64)| {
        let number = text.strip_suffix(unit)?.trim_end();
        let number: f64 = number.parse().ok()?;
        number.is_finite().then_some(number * factor)
    };
    units.iter().find_map(with_unit)
}

/// Writes a size: `12 bytes`, `1.5 KiB`, `10 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} byte{}", if bytes == 1 { "" } else { "s" });
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        // As it is rounded below: nobody reads `1024 KiB`.
        if amount < 1023.5 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    let digits = usize::from(amount < 9.95);
    let text = format!("{amount:.digits$}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_units() {
        for (text, seconds) in [
            ("90s", 90),
            ("1.5h", 5400),
            ("30d", 2_592_000),
            ("2 w", 1_209_600),
        ] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for none in ["", "5", "d", "-1d", "infd", "1e300w", "3 days"] {
            assert!(age(none).is_err(), "{none}");
        }
    }

    #[test]
    fn sizes_have_units_or_none() {
        for (text, expect) in [
            ("0", 0),
            ("12", 12),
            ("12B", 12),
            ("1.5 KiB", 1536),
            ("10GiB", 10 << 30),
            ("2G", 2 << 30),
            ("500MB", 500_000_000),
            ("3kB", 3000),
        ] {
            assert_eq!(size(text), Ok(expect), "{text}");
        }
        for none in ["", "GiB", "-1", "1e30", "ten", "inf", "5 apples"] {
            assert!(size(none).is_err(), "{none}");
        }
    }

    #[test]
    fn sizes_read_well() {
        for (number, expect) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (10_240, "10 KiB"),
            (1_048_575, "1 MiB"),
            (10 << 30, "10 GiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(bytes(number), expect);
        }
    }
}
