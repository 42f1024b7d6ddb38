//! Where an axis has its ticks, and what they say.
//!
//! Linear ticks are multiples of 1, 2, 2.5 or 5 times a power of ten; logarithmic ones are powers of ten, with 2 and 5
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
        for (digits, further) in [(1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0)] {
            let step = digits * 10f64.powi(power);
            let count = (high / step + 1e-9).floor() - (low / step - 1e-9).ceil() + 1.0;
            if step.is_finite() && count <= most as f64 {
                return Some((step, (further - power).max(0) as usize));
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
    let mantissa = (power - exponent(step) + i32::from(decimals > 0 && needs_half(step))).max(0);
    move |value| match value {
        0.0 => "0".to_owned(),
        _ if is_plain => fixed(value, decimals),
        _ => {
            let own = (mantissa + exponent(value) - power).max(0);
            scientific(value, own as usize)
        }
    }
}

/// Whether the step is 2.5 times a power of ten.
fn needs_half(step: f64) -> bool {
    let leading = step / 10f64.powi(exponent(step));
    (leading - 2.5).abs() < 1e-6
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
    let between: &[f64] = match decades * 3 <= most + 2 {
        true => &[1.0, 2.0, 5.0],
        false => &[1.0],
    };
    let every = decades.div_ceil(most).max(1) as i32;
    let powers = (first - 1..=last).filter(|power| power.rem_euclid(every) == 0);
    let candidates = powers.flat_map(|power| between.iter().map(move |digit| (*digit, power)));
    let ticks = candidates.map(|(digit, power)| Tick {
        value: digit * 10f64.powi(power),
        label: log_label(digit, power),
    });
    ticks
        .filter(|tick| tick.value >= low * (1.0 - 1e-9) && tick.value <= high * (1.0 + 1e-9))
        .collect()
}

fn log_label(digit: f64, power: i32) -> String {
    match (digit, power) {
        (1.0, _) => power_of_ten(power),
        (_, -4..=-1) => fixed(digit * 10f64.powi(power), -power as usize),
        (_, 0..=4) => fixed(digit * 10f64.powi(power), 0),
        _ => scientific(digit * 10f64.powi(power), 0),
    }
}
