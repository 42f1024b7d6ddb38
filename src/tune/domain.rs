//! The values a parameter may take.
//!
//! Inside this room a value is an `f64`: a number itself, or the place of a choice from 0. [`Domain::decode`] makes the
//! value that users see, [`Domain::encode`] goes back. Whole numbers stay within ±2⁵³, where an `f64` is exact.

use hpipe_core::Value;

/// What a parameter may be.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// A number within a range.
    Number(Range),
    /// One of a list of values, which have no order; at least one, all different.
    Categorical(Vec<Value>),
}

/// A range of numbers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    pub(crate) low: f64,
    /// Lowered to the last value that whole steps from `low` reach.
    pub(crate) high: f64,
    /// Always there for whole numbers.
    pub(crate) step: Option<f64>,
    pub(crate) log: bool,
    pub(crate) whole: bool,
    /// How many values a grid takes; all there are when none.
    pub(crate) points: Option<usize>,
}

impl Range {
    /// The smallest value.
    pub const fn low(&self) -> f64 {
        self.low
    }

    /// The largest value.
    pub const fn high(&self) -> f64 {
        self.high
    }

    /// The distance of neighbouring values; none when every number of the range is possible.
    pub const fn step(&self) -> Option<f64> {
        self.step
    }

    /// Whether the range is searched on a logarithmic scale; `low` is positive then.
    pub const fn is_log(&self) -> bool {
        self.log
    }

    /// Whether the values are whole numbers.
    pub const fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many values there are; none when there is no step.
    pub fn count(&self) -> Option<u64> {
        self.step
            .map(|step| ((self.high - self.low) / step).round() as u64 + 1)
    }

    /// The value `steps` above the lowest.
    pub(crate) fn at(&self, steps: u64) -> f64 {
        match self.step {
            Some(step) if steps > 0 && self.whole => self.low + steps as f64 * step,
            Some(step) if steps > 0 => stepped(self.low, steps as f64, step).min(self.high),
            _ => self.low,
        }
    }

    /// The possible value nearest to `x`.
    pub(crate) fn snap(&self, x: f64) -> f64 {
        let x = x.clamp(self.low, self.high);
        match self.step {
            Some(step) => self.at(((x - self.low) / step).round() as u64),
            None => x,
        }
    }

    /// The scale it is searched on: each value owns half a step to both sides, so that the ends are as likely as the rest.
    pub(crate) fn scale(&self) -> (f64, f64) {
        let half = self.step.unwrap_or(0.0) / 2.0;
        (
            self.to_scale(self.low - half),
            self.to_scale(self.high + half),
        )
    }

    /// A value's place on the scale.
    pub(crate) fn to_scale(self, x: f64) -> f64 {
        if self.log { libm::log(x) } else { x }
    }

    /// The value at a place of the scale.
    pub(crate) fn of_scale(&self, place: f64) -> f64 {
        self.snap(if self.log { libm::exp(place) } else { place })
    }

    fn of_unit(&self, u: f64) -> f64 {
        if let (false, Some(count)) = (self.log, self.count()) {
            return self.at(place(u, count));
        }
        let (low, high) = self.scale();
        self.of_scale(low + u * (high - low))
    }

    /// The values of a grid; none when there is neither a step nor a number of points.
    pub(crate) fn grid_len(&self) -> Option<u64> {
        match (self.points, self.count()) {
            (Some(points), Some(count)) => Some(count.min(points as u64)),
            (Some(points), None) => Some(if self.low == self.high {
                1
            } else {
                points as u64
            }),
            (None, count) => count,
        }
    }

    /// The value at a place of the grid: evenly spread over the scale, both ends included.
    fn grid_value(&self, place: u64) -> f64 {
        let last = self.grid_len().unwrap_or(1).saturating_sub(1);
        if self.count() == Some(last + 1) {
            return self.at(place);
        }
        let (low, high) = (self.to_scale(self.low), self.to_scale(self.high));
        match (place, last) {
            (0, _) => self.low,
            (place, last) if place == last => self.high,
            (place, last) => {
                let part = place as f64 / last as f64;
                self.snap(tidy(self.of_scale(low + (high - low) * part)))
            }
        }
    }
}

impl Domain {
    /// The range, if it is one of numbers.
    pub const fn range(&self) -> Option<&Range> {
        match self {
            Self::Number(range) => Some(range),
            Self::Categorical(_) => None,
        }
    }

    /// The choices, if it is categorical.
    pub fn choices(&self) -> Option<&[Value]> {
        match self {
            Self::Number(_) => None,
            Self::Categorical(choices) => Some(choices),
        }
    }

    /// How many values there are; none when they cannot be counted.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Number(range) if range.low == range.high => Some(1),
            Self::Number(range) => range.count(),
            Self::Categorical(choices) => Some(choices.len() as u64),
        }
    }

    /// Whether `value` is one of the domain's.
    pub fn contains(&self, value: &Value) -> bool {
        self.encode(value).is_some()
    }

    /// The value as users see it.
    pub(crate) fn decode(&self, x: f64) -> Value {
        match self {
            Self::Number(range) if range.whole => Value::Int(x as i128),
            Self::Number(_) => Value::Float(x),
            Self::Categorical(choices) => choices[x as usize].clone(),
        }
    }

    /// The value as samplers see it; none if it is not of this domain.
    pub(crate) fn encode(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Categorical(choices) => {
                let place = choices.iter().position(|choice| choice == value)?;
                Some(place as f64)
            }
            Self::Number(range) => {
                let x = match value {
                    Value::Int(n) => *n as f64,
                    Value::Float(x) => *x,
                    _ => return None,
                };
                let inside = x >= range.low && x <= range.high;
                let snapped = range.snap(x);
                let tolerance = range
                    .step
                    .map_or(0.0, |step| if range.whole { 0.0 } else { 1e-9 * step });
                (inside && (snapped - x).abs() <= tolerance).then_some(snapped)
            }
        }
    }

    /// The value of a uniform number from 0 to just below 1.
    pub(crate) fn of_unit(&self, u: f64) -> f64 {
        match self {
            Self::Number(range) => range.of_unit(u),
            Self::Categorical(choices) => place(u, choices.len() as u64) as f64,
        }
    }

    /// How many values a grid takes; none when that is not said.
    pub(crate) fn grid_len(&self) -> Option<u64> {
        match self {
            Self::Number(range) => range.grid_len(),
            Self::Categorical(choices) => Some(choices.len() as u64),
        }
    }

    /// The value at a place of the grid.
    pub(crate) fn grid_value(&self, place: u64) -> f64 {
        match self {
            Self::Number(range) => range.grid_value(place),
            Self::Categorical(_) => place as f64,
        }
    }
}

/// One of `count` places, each equally likely.
fn place(u: f64, count: u64) -> u64 {
    ((u * count as f64) as u64).min(count - 1)
}

/// The value `steps` above `low`, without the noise of adding `0.1` to `0.2`.
pub(crate) fn stepped(low: f64, steps: f64, step: f64) -> f64 {
    let x = low + steps * step;
    let tidy = tidy(x);
    // where a step is a tiny part of the value, the 15 digits are not noise
    if (tidy - x).abs() < 1e-6 * step {
        tidy
    } else {
        x
    }
}

/// The number with 15 significant digits: `0.30000000000000004` is `0.3`.
fn tidy(x: f64) -> f64 {
    format!("{x:.14e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(low: f64, high: f64, step: Option<f64>, log: bool) -> Range {
        Range {
            low,
            high,
            step,
            log,
            whole: step == Some(1.0),
            points: None,
        }
    }

    #[test]
    fn steps_are_free_of_noise() {
        let tenths = range(0.0, 1.0, Some(0.1), false);
        let values: Vec<f64> = (0..=10).map(|k| tenths.at(k)).collect();
        assert_eq!(
            values,
            [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
        );
    }

    #[test]
    fn the_ends_are_what_the_user_wrote() {
        let long = range(5.945433820336504, 5.945433820336504, Some(0.01), false);
        assert_eq!((long.at(0), long.snap(5.9)), (long.low, long.low));
        let tiny = range(1e9, 1e9 + 1e-5, Some(1e-6), false);
        assert!((1..10).all(|k| tiny.at(k) > tiny.at(k - 1)));
    }

    #[test]
    fn the_unit_interval_is_shared_fairly() {
        let thirds = Domain::Number(range(1.0, 3.0, Some(1.0), false));
        let drawn: Vec<f64> = [0.0, 0.33, 0.34, 0.66, 0.67, 0.999]
            .map(|u| thirds.of_unit(u))
            .to_vec();
        assert_eq!(drawn, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        let decades = range(1e-3, 1e1, None, true);
        assert!((decades.of_unit(0.5) - 0.1).abs() < 1e-15);
        assert!((decades.of_unit(0.0) - 1e-3).abs() < 1e-17);
    }

    #[test]
    fn values_go_there_and_back() {
        let choices = Domain::Categorical(vec!["a".into(), Value::Int(2), Value::Null]);
        assert_eq!(choices.encode(&Value::Float(2.0)), Some(1.0));
        assert_eq!(choices.encode(&"b".into()), None);
        let whole = Domain::Number(range(1.0, 9.0, Some(1.0), false));
        assert_eq!(whole.encode(&Value::Float(3.0)), Some(3.0));
        assert_eq!(whole.encode(&Value::Float(3.5)), None);
        assert_eq!(whole.encode(&Value::Int(10)), None);
        assert_eq!(whole.decode(3.0), Value::Int(3));
        let tenths = Domain::Number(range(0.5, 1.0, Some(0.1), false));
        assert_eq!(tenths.encode(&Value::Float(0.1 + 0.2 + 0.4)), Some(0.7));
        assert_eq!(tenths.encode(&Value::Float(0.65)), None);
    }

    #[test]
    fn a_grid_is_even_on_the_scale() {
        let mut decades = range(1e-3, 1e1, None, true);
        assert_eq!(decades.grid_len(), None);
        decades.points = Some(5);
        let grid: Vec<f64> = (0..5).map(|k| decades.grid_value(k)).collect();
        assert_eq!(grid, [1e-3, 1e-2, 1e-1, 1.0, 10.0]);
    }
}
