//! Durations as a person reads them.

use std::time::Duration;

/// Writes a duration with two or three telling digits: `0.04s`, `12.4s`, `3m 05s`, `1h 02m`.
pub(crate) fn format(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.995 {
        format!("{seconds:.2}s")
    } else if seconds < 59.95 {
        format!("{seconds:.1}s")
    } else {
        format_long(seconds.round() as u64)
    }
}

fn format_long(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    match hours {
        0 => format!("{minutes}m {:02}s", seconds % 60),
        _ => format!("{hours}h {:02}m", minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_telling_digits() {
        for (seconds, expect) in [
            (0.0, "0.00s"),
            (0.0411, "0.04s"),
            (0.994, "0.99s"),
            (0.996, "1.0s"),
            (12.44, "12.4s"),
            (59.94, "59.9s"),
            (59.96, "1m 00s"),
            (185.2, "3m 05s"),
            (3599.6, "1h 00m"),
            (3725.0, "1h 02m"),
        ] {
            assert_eq!(format(Duration::from_secs_f64(seconds)), expect);
        }
    }
}
