//! From values to pixels.

use crate::ticks::{Tick, linear_ticks, log_ticks};

/// How an axis spreads its values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spread {
    /// Evenly.
    Linear,
    /// By their logarithm; values that are not positive have no place.
    Log,
    /// Named places: the value 0 is the first, 1 the second.
    Category(Vec<String>),
}

/// A range of values laid over a range of pixels.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    pub(crate) spread: Spread,
    /// Whether only whole numbers have a meaning, as for trials and rows.
    pub(crate) is_whole: bool,
    /// The values at the ends, in order.
    pub(crate) domain: (f64, f64),
    /// The pixels of these ends; the first may be the larger.
    pub(crate) pixels: (f64, f64),
}

impl Scale {
    /// Where `value` stands, in pixels; none when it is not finite, or not positive on a logarithmic axis.
    pub(crate) fn place(&self, value: f64) -> Option<f64> {
        let along = self.along(value)?;
        Some(self.pixels.0 + along * (self.pixels.1 - self.pixels.0))
    }

    /// As [`Self::place`], with values beyond the ends set to the ends.
    pub(crate) fn place_within(&self, value: f64) -> Option<f64> {
        self.place(value.clamp(self.domain.0, self.domain.1))
    }

    /// Whether `value` has a place between the ends.
    pub(crate) fn holds(&self, value: f64) -> bool {
        self.along(value)
            .is_some_and(|along| (-1e-9..=1.0 + 1e-9).contains(&along))
    }

    /// The part of the way from the first end to the last.
    fn along(&self, value: f64) -> Option<f64> {
        let (low, high) = self.domain;
        let along = match self.spread {
            Spread::Log if value > 0.0 => (value / low).ln() / (high / low).ln(),
            Spread::Log => return None,
            // halves: the difference of two large numbers may be infinite
            _ => (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0),
        };
        along.is_finite().then_some(along)
    }

    /// Pixels from end to end.
    pub(crate) fn length(&self) -> f64 {
        (self.pixels.1 - self.pixels.0).abs()
    }

    /// At most about `most` ticks; one a category, whatever their number.
    pub(crate) fn ticks(&self, most: usize) -> Vec<Tick> {
        let (low, high) = self.domain;
        match &self.spread {
            Spread::Linear if self.is_whole => {
                let whole = (high.floor() - low.ceil()).clamp(0.0, 1e6) as usize + 1;
                let mut ticks = linear_ticks(low, high, most.min(whole.max(2)));
                ticks.retain(|tick| tick.value.fract() == 0.0);
                ticks
            }
            Spread::Linear => linear_ticks(low, high, most),
            Spread::Log => log_ticks(low, high, most),
            Spread::Category(names) => {
                let tick = |(place, name): (usize, &String)| Tick {
                    value: place as f64,
                    label: name.clone(),
                };
                names.iter().enumerate().map(tick).collect()
            }
        }
    }
}

/// The ends of an axis that shows all of `values`, with some air; none when none of them can be shown.
///
/// `fixed` ends are kept. An end that is zero, as that of bars, has no air when `rests_on_zero`.
pub(crate) fn domain(
    spread: &Spread,
    values: impl Iterator<Item = f64>,
    fixed: (Option<f64>, Option<f64>),
    rests_on_zero: bool,
) -> Option<(f64, f64)> {
    if let Spread::Category(names) = spread {
        return (!names.is_empty()).then_some((-0.5, names.len() as f64 - 0.5));
    }
    let is_log = *spread == Spread::Log;
    let shown = |value: &f64| value.is_finite() && (!is_log || *value > 0.0);
    let fixed = (fixed.0.filter(shown), fixed.1.filter(shown));
    let ends = values
        .filter(shown)
        .fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
    let (low, high) = ends.or(fixed.0.zip(fixed.1))?;
    let (low, high) = (fixed.0.unwrap_or(low), fixed.1.unwrap_or(high));
    let (airy_low, airy_high) = if is_log {
        log_air(low, high)
    } else {
        linear_air(low, high)
    };
    let keep = |end: f64| rests_on_zero && end == 0.0;
    let first = if fixed.0.is_some() || keep(low) {
        low
    } else {
        airy_low
    };
    let last = if fixed.1.is_some() || keep(high) {
        high
    } else {
        airy_high
    };
    Some(if first < last {
        (first, last)
    } else {
        (airy_low.min(low), airy_high.max(high))
    })
}

/// Four parts of a hundred on both sides; one value alone stands in the middle.
fn linear_air(low: f64, high: f64) -> (f64, f64) {
    let span = high / 2.0 - low / 2.0;
    let least = low.abs().max(high.abs()) * 1e-9;
    let air = if span > least {
        span * 0.08
    } else {
        (low.abs() * 0.5).max(0.5)
    };
    let bounded = |end: f64| end.clamp(-f64::MAX / 4.0, f64::MAX / 4.0);
    (bounded(low - air), bounded(high + air))
}

fn log_air(low: f64, high: f64) -> (f64, f64) {
    let ratio = (high.ln() - low.ln()).exp();
    let air = if ratio > 1.0 + 1e-9 {
        ratio.powf(0.04)
    } else {
        3.0
    };
    let bounded = |end: f64| end.clamp(1e-300, 1e300);
    (bounded(low / air), bounded(high * air))
}
