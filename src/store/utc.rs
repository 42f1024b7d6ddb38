//! The wall clock, as ids and records write it: UTC.
//!
//! Only for people to read and for ids to sort by. Nothing decides by it whether a file has changed: that is the clock of
//! the file system (`clock`).

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01T00:00:00Z; 0 for a clock set before then.
pub(crate) fn now_micros() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// What time it is.
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// Milliseconds since 1970-01-01T00:00:00Z, for records that people sort by time.
pub fn now_millis() -> i64 {
    i64::try_from(now_micros() / 1000).unwrap_or(i64::MAX)
}

/// Writes a time as `20261122T101530.123456Z`, which sorts as text as it does in time.
pub(crate) fn compact(micros: u64) -> String {
    let seconds = micros / 1_000_000;
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = micros % 1_000_000;
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}.{fraction:06}Z")
}

/// Writes a time in milliseconds since 1970 for people: `2026-11-22 10:15:30`, UTC.
pub fn readable_time(millis: i64) -> String {
    let seconds = u64::try_from(millis).unwrap_or(0) / 1000;
    let (year, month, day) = civil_from_days(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// The milliseconds since 1970 of a time that begins as [`compact`] writes it.
pub(crate) fn read_compact(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let days = days_from_civil(number(0, 4)?, number(4, 6)?, number(6, 8)?)?;
    let seconds = number(9, 11)? * 3_600 + number(11, 13)? * 60 + number(13, 15)?;
    Some((days * 86_400 + seconds) * 1_000 + number(16, 19)?)
}

/// The day, counted from 1970-01-01, of a Gregorian date.
///
/// Source: Howard Hinnant, as below, `days_from_civil`.
const fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if year < 1970 || month == 0 || month > 12 || day == 0 {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The Gregorian date of a day counted from 1970-01-01.
///
/// Source: Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`, for days not before 1970.
const fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468; // from 0000-03-01
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_known_times() {
        for (seconds, expect) in [
            (0, "19700101T000000.000000Z"),
            (951_782_399, "20000228T235959.000000Z"),
            (951_782_400, "20000229T000000.000000Z"),
            (951_868_800, "20000301T000000.000000Z"),
            (1_798_761_599, "20261231T235959.000000Z"),
            (4_107_542_400, "21000301T000000.000000Z"),
        ] {
            assert_eq!(compact(seconds * 1_000_000), expect);
            assert_eq!(read_compact(expect), Some(seconds * 1_000));
        }
        assert_eq!(
            read_compact("20000228T235959.123456Z-7-0"),
            Some(951_782_399_123)
        );
        assert_eq!(read_compact("yesterday"), None);
        assert_eq!(compact(1_000_042), "19700101T000001.000042Z");
    }
}
