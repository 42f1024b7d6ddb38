//! Which colour class a mark takes: by series, or by an amount.

use crate::number::format_short;
use crate::theme::{DIVERGING, LEVELS, SERIES};

/// The colour of a mark that has one colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tone {
    /// That of a series; beyond the last colour it starts again.
    Series(usize),
    /// That of text.
    Ink,
    /// One that stays behind the others.
    Faint,
    /// An amount from 0 to 1.
    Level(f64),
    /// An amount from −1 to 1, 0 being neutral.
    Diverging(f64),
}

impl Tone {
    pub(crate) fn class(self) -> String {
        match self {
            Self::Series(place) => format!("p-c{}", place % SERIES),
            Self::Ink => "p-ink-line".to_owned(),
            Self::Faint => "p-faint".to_owned(),
            Self::Level(along) => format!("p-s{}", step(along, LEVELS)),
            Self::Diverging(along) => format!("p-d{}", step((along + 1.0) / 2.0, DIVERGING)),
        }
    }
}

/// The step, of so many, that a part from 0 to 1 falls on.
fn step(along: f64, steps: usize) -> usize {
    (along.clamp(0.0, 1.0) * (steps - 1) as f64).round() as usize
}

/// How amounts become colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Ramp {
    /// What the colour says, for the colour bar; with its unit.
    pub label: String,
    /// The amounts of the two ends; amounts beyond take the colour of the end.
    pub range: (f64, f64),
    /// Which colours, and how they are spread.
    pub kind: RampKind,
}

/// The sequence of colours of a [`Ramp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RampKind {
    /// Dark to light.
    Sequential,
    /// Dark to light, by the logarithm; amounts are positive.
    Logarithmic,
    /// Blue below zero, orange above, grey at zero; the range is made symmetrical.
    Diverging,
}

impl Ramp {
    /// From the least to the greatest finite value; no value, and equal values, give a range around them.
    pub fn over(label: impl Into<String>, values: &[f64]) -> Self {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let range = finite.fold(None, |range: Option<(f64, f64)>, value| {
            let (low, high) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        Self {
            label: label.into(),
            range: range.unwrap_or((0.0, 1.0)),
            kind: RampKind::Sequential,
        }
    }

    /// The same amounts in blue and orange around zero.
    #[must_use]
    pub fn around_zero(mut self) -> Self {
        let reach = self.range.0.abs().max(self.range.1.abs());
        self.range = (-reach, reach);
        self.kind = RampKind::Diverging;
        self
    }

    /// The same amounts by their logarithm; left as it is when one of them is not positive.
    #[must_use]
    pub fn logarithmic(mut self) -> Self {
        if self.range.0 > 0.0 {
            self.kind = RampKind::Logarithmic;
        }
        self
    }

    /// The colour of an amount; faint when it is not finite.
    pub fn tone(&self, value: f64) -> Tone {
        let (low, high) = self.range;
        let along = match self.kind {
            _ if !value.is_finite() => return Tone::Faint,
            RampKind::Logarithmic => (value.max(low) / low).ln() / (high / low).ln(),
            _ => (value - low) / (high - low),
        };
        let along = if along.is_finite() { along } else { 0.5 };
        match self.kind {
            RampKind::Diverging => Tone::Diverging(along * 2.0 - 1.0),
            _ => Tone::Level(along),
        }
    }

    /// The tones of the colour bar, from the low end to the high one.
    pub(crate) fn tones(&self) -> Vec<Tone> {
        let steps = if self.kind == RampKind::Diverging {
            DIVERGING
        } else {
            LEVELS
        };
        let along = |place: usize| place as f64 / (steps - 1) as f64;
        match self.kind {
            RampKind::Diverging => (0..steps)
                .map(|place| Tone::Diverging(along(place) * 2.0 - 1.0))
                .collect(),
            _ => (0..steps).map(|place| Tone::Level(along(place))).collect(),
        }
    }

    /// What stands at the ends of the colour bar.
    pub(crate) fn ends(&self) -> (String, String) {
        (format_short(self.range.0, 3), format_short(self.range.1, 3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_take_the_colour_of_their_place() {
        let ramp = Ramp::over("rows", &[f64::NAN, 1.0, 100.0]);
        assert_eq!(ramp.range, (1.0, 100.0));
        assert_eq!(ramp.tone(1.0).class(), "p-s0");
        assert_eq!(ramp.tone(1e9).class(), "p-s15");
        assert_eq!(ramp.tone(f64::NAN).class(), "p-faint");
        assert_eq!(ramp.logarithmic().tone(10.0).class(), "p-s8");
        let around = Ramp::over("residual", &[-1.0, 4.0]).around_zero();
        assert_eq!(around.tone(0.0).class(), "p-d7");
        assert_eq!(around.tone(-4.0).class(), "p-d0");
    }

    #[test]
    fn no_range_is_no_trouble() {
        assert_eq!(Ramp::over("rows", &[]).range, (0.0, 1.0));
        assert_eq!(Ramp::over("rows", &[3.0]).tone(3.0).class(), "p-s8");
        assert_eq!(
            Ramp::over("rows", &[0.0]).around_zero().tone(0.0).class(),
            "p-d7"
        );
    }
}
