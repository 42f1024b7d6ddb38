//! Which of several versions answers a request: by weights, and always the same for the same key.

use std::fmt;
use std::str::FromStr;

/// Parts that a share counts: hundredths of a percent.
const WHOLE: u32 = 10_000;

/// The share of requests that a version answers, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// The parts of ten thousand.
    pub const fn parts(self) -> u32 {
        self.0
    }

    /// The share of all requests, from 0 to 1.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// Whether several leave something to the version that answers the rest.
    pub fn fit(shares: impl IntoIterator<Item = Self>) -> bool {
        shares
            .into_iter()
            .map(|share| u64::from(share.0))
            .sum::<u64>()
            <= u64::from(WHOLE)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 100.0)
    }
}

impl FromStr for Share {
    type Err = String;

    /// Reads `10%`, `0.5 %`, or the fraction `0.1`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (number, unit) = match text.trim().strip_suffix('%') {
            Some(number) => (number.trim(), 100.0),
            None => (text.trim(), f64::from(WHOLE)),
        };
        let parts = number
            .parse::<f64>()
            .ok()
            .map(|number| (number * unit).round());
        match parts {
            Some(parts) if (1.0..=f64::from(WHOLE)).contains(&parts) => Ok(Self(parts as u32)),
            _ => Err(format!("`{text}` is no share of requests")),
        }
    }
}

/// Where among ten thousand a key stands: the same on every machine and in every version of hpipe.
///
/// FNV-1a, mixed as splitmix64 ends, so that keys that differ in one digit stand far apart.
pub(crate) fn place(key: &[u8]) -> u32 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in key {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    (((hash >> 32) * u64::from(WHOLE)) >> 32) as u32
}

/// Which of these shares a place belongs to; none: to the rest. A share that grows keeps the places it had.
pub(crate) fn taker(shares: impl IntoIterator<Item = Share>, place: u32) -> Option<usize> {
    let mut end = 0;
    shares.into_iter().position(|share| {
        end += share.0;
        place < end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_told() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<Share>().expect("a share").to_string(), expect);
        };
        check("10%", "10 %");
        check("0.25 %", "0.25 %");
        check("0.1", "10 %");
        check("100%", "100 %");
        for bad in ["", "%", "0%", "101%", "-1%", "ten", "NaN", "inf", "1.1"] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }

    /// The places of keys are for good: who was asked by a version yesterday is so today.
    #[test]
    fn places_are_for_good_and_even() {
        let found = ["", "user-1", "user-2", "4711"].map(|key| place(key.as_bytes()));
        assert_eq!(found, [9576, 7679, 3113, 5363]);
        let share = "10%".parse::<Share>().expect("a share");
        let taken = (0..100_000).filter(|user| {
            let place = place(format!("user-{user}").as_bytes());
            taker([share], place).is_some()
        });
        let taken = taken.count();
        assert!((9_500..10_500).contains(&taken), "{taken}");
    }

    #[test]
    fn a_place_belongs_to_one() {
        let shares = ["10%", "5%"].map(|text| text.parse::<Share>().expect("a share"));
        let takers = [0, 999, 1000, 1499, 1500, 9999].map(|place| taker(shares, place));
        assert_eq!(takers, [Some(0), Some(0), Some(1), Some(1), None, None]);
    }
}
