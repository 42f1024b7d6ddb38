//! Where an axis has its ticks, and what they say.
//!
//! Linear ticks are multiples of 1, 2 or 5 times a power of ten; logarithmic ones are powers of ten, with 2 and 5
//! between where there is room, and fall back to linear ticks on less than a decade. Which of the candidates are drawn
//! is decided by the width of their labels.

use crate::number::{exponent, fixed, power_of_ten, scientific};

/// A tick of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// In the unit of the axis.
    pub(crate) value: f64,
    /// What stands beside it; empty for a tick that has a grid line only.
    pub(crate) label: String,
}

/// At most `most` (at least two) ticks within `[low, high]`, which is finite and not empty.
///
/// Every range that is wider than a few rounding errors of its ends has at least one tick.
pub(crate) fn linear_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let Some((step, decimals)) = nice_step(low, high, most.max(2)) else {
        return Vec::new();
    };
    let (first, last) = ((low / step - 1e-9).ceil(), (high / step + 1e-9).floor());
    let count = (last - first).max(-1.0) as usize + 1;
    let values = (0..count).map(|place| (first + place as f64) * step);
    let values: Vec<f64> = values
        .map(|value| if value.abs() < step / 2.0 { 0.0 } else { value })
        .collect();
    let label = labels(&values, step, decimals);
    values
        .into_iter()
        .map(|value| Tick {
            value,
            label: label(value),
        })
        .collect()
}

/// The smallest nice step with at most `most` multiples in `[low, high]`, and the decimals it needs.
fn nice_step(low: f64, high: f64, most: usize) -> Option<(f64, usize)> {
    let raw = high / most as f64 - low / most as f64;
    if !raw.is_finite() || raw <= 0.0 || raw < f64::MIN_POSITIVE * 1e3 {
        return None;
    }
    let power = exponent(raw);
    for power in power - 1..=power + 2 {
        for digits in [1.0, 2.0, 5.0] {
            let step = digits * 10f64.powi(power);
            let count = (high / step + 1e-9).floor() - (low / step - 1e-9).ceil() + 1.0;
            if step.is_finite() && count <= most as f64 {
                return Some((step, (-power).max(0) as usize));
            }
        }
    }
    None
}

/// How all ticks of an axis are written: alike, so that they can be compared at a glance.
fn labels(values: &[f64], step: f64, decimals: usize) -> impl Fn(f64) -> String + use<> {
    let largest = values
        .iter()
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let is_plain = largest < 1e6 && (largest >= 1e-3 || largest == 0.0) && decimals <= 7;
    let power = exponent(largest);
    let mantissa = (power - exponent(step)).max(0);
    move |value| match value {
        0.0 => "0".to_owned(),
        _ if is_plain => fixed(value, decimals),
        _ => {
            let own = (mantissa + exponent(value) - power).max(0);
            scientific(value, own as usize)
        }
    }
}

/// Ticks of a logarithmic axis within `[low, high]`, `0 < low < high`; at most `most` of them, at least two, have labels.
pub(crate) fn log_ticks(low: f64, high: f64, most: usize) -> Vec<Tick> {
    let most = most.max(2);
    let (first, last) = (
        (low.log10() - 1e-9).ceil() as i32,
        (high.log10() + 1e-9).floor() as i32,
    );
    let decades = (last - first + 1).max(0) as usize;
    if decades < 2 && high / low < 30.0 {
        return linear_ticks(low, high, most);
    }
    let every = decades.div_ceil(most).max(1) as i32;
    let is_plain = first > -4 && last < 6;
    let ticks = |digits: &[f64]| {
        let powers = (first - 1..=last).filter(|power| power.rem_euclid(every) == 0);
        let all = powers.flat_map(|power| digits.iter().map(move |digit| (*digit, power)));
        let ticks = all.map(|(digit, power)| Tick {
            value: digit * 10f64.powi(power),
            label: log_label(digit, power, is_plain),
        });
        let is_within =
            |tick: &Tick| tick.value >= low * (1.0 - 1e-9) && tick.value <= high * (1.0 + 1e-9);
        ticks.filter(is_within).collect::<Vec<_>>()
    };
    let with_between = ticks(&[1.0, 2.0, 5.0]);
    if every == 1 && with_between.len() <= most {
        with_between
    } else {
        ticks(&[1.0])
    }
}

/// All ticks of an axis are written alike: as numbers, or as powers of ten.
fn log_label(digit: f64, power: i32, is_plain: bool) -> String {
    match (is_plain, digit == 1.0) {
        (true, _) => fixed(digit * 10f64.powi(power), (-power).max(0) as usize),
        (false, true) => power_of_ten(power),
        (false, false) => scientific(digit * 10f64.powi(power), 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        let check = |low, high, most, expect: &[&str]| {
            assert_eq!(said(&linear_ticks(low, high, most)), expect)
        };
        check(0.0, 5.2, 6, &["0", "1", "2", "3", "4", "5"]);
        check(-1.3, 2.3, 5, &["−1", "0", "1", "2"]);
        check(0.43, 0.52, 5, &["0.44", "0.46", "0.48", "0.50", "0.52"]);
        check(0.0, 25_000.0, 4, &["0", "10,000", "20,000"]);
        check(0.0, 3.2e7, 4, &["0", "1×10⁷", "2×10⁷", "3×10⁷"]);
        check(0.0, 4.1e-7, 3, &["0", "2×10⁻⁷", "4×10⁻⁷"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_and_what_fits_between() {
        let check = |low, high, most, expect: &[&str]| {
            assert_eq!(said(&log_ticks(low, high, most)), expect)
        };
        check(
            0.008,
            0.9,
            8,
            &["0.01", "0.02", "0.05", "0.1", "0.2", "0.5"],
        );
        check(0.008, 0.9, 3, &["0.01", "0.1"]);
        check(1e-9, 1e9, 4, &["10⁻⁵", "1", "10⁵"]);
        check(3.0, 6.0, 4, &["3", "4", "5", "6"]);
    }

    #[test]
    fn ranges_without_width_have_no_ticks_and_no_trouble() {
        assert_eq!(linear_ticks(1.0, 1.0, 5), []);
        assert_eq!(linear_ticks(f64::MIN / 2.0, f64::MAX / 2.0, 5).len(), 3);
    }

    /// A mantissa of 1, 2 or 5.
    fn is_nice(step: f64) -> bool {
        let leading = step / 10f64.powf(step.log10().floor());
        [1.0, 2.0, 5.0, 10.0]
            .iter()
            .any(|digit| (leading / digit - 1.0).abs() < 1e-6)
    }

    proptest! {
        #[test]
        fn linear_ticks_cover_their_range(middle in -1e6..1e6_f64, power in -6..6_i32, most in 2..14_usize) {
            let span = 10f64.powi(power) * 3.7;
            let (low, high) = (middle - span, middle + span);
            let ticks = linear_ticks(low, high, most);
            prop_assert!(!ticks.is_empty() && ticks.len() <= most);
            let slack = (high - low) * 1e-6;
            prop_assert!(ticks.iter().all(|tick| tick.value >= low - slack && tick.value <= high + slack));
            // beyond the outer ticks there is less than one more step, and at least a fifth of the count asked for
            let step = (high - low) / (ticks.len() as f64 + 1.0);
            prop_assert!(ticks[0].value - low <= (high - low) * 0.72, "{} of {}", ticks[0].value - low, step);
            prop_assert!(ticks.len() * 5 + 3 >= most);
            for two in ticks.windows(2) {
                prop_assert!(is_nice((two[1].value - two[0].value).abs()) || span < middle.abs() * 1e-9);
            }
            let mut labels = said(&ticks);
            labels.dedup();
            prop_assert_eq!(labels.len(), ticks.len(), "labels differ");
        }

        #[test]
        fn logarithmic_ticks_are_within_their_range(low in -12.0..8.0_f64, decades in 0.05..15.0_f64, most in 2..12_usize) {
            let (low, high) = (10f64.powf(low), 10f64.powf(low + decades));
            let ticks = log_ticks(low, high, most);
            prop_assert!(ticks.len() <= most, "{} of {most}", ticks.len());
            prop_assert!(!ticks.is_empty());
            prop_assert!(ticks.iter().all(|tick| tick.value >= low * 0.999 && tick.value <= high * 1.001));
            prop_assert!(ticks.windows(2).all(|two| two[0].value < two[1].value));
        }
    }
}
