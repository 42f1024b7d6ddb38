//! SHAP values: what each feature adds to each prediction (Lundberg and Lee, 2017).

use crate::axis::Axis;
use crate::canvas::Anchor;
use crate::chart::Chart;
use crate::charts::regression::quantile;
use crate::colour::{Ramp, RampKind, Tone};
use crate::error::{Error, same_length};
use crate::figure::Figure;
use crate::mark::{Bar, Bars, Colours, Fill, Line, Mark, Note, Points, Rule, RuleAt, Swarm};
use crate::number::{fixed, format_alike, format_number};
use crate::quantity::Quantity;

/// SHAP values of rows, feature by feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// `n_features` names.
    pub names: Vec<String>,
    /// `n_features` × `n_rows`: what the feature adds to the prediction, in the unit of the target.
    pub contributions: Vec<Vec<f64>>,
    /// `n_features` × `n_rows`: the value of the feature; not finite: missing.
    pub values: Vec<Vec<f64>>,
}

impl Explained {
    fn check(&self) -> Result<(), Error> {
        same_length("contributions", self.names.len(), self.contributions.len())?;
        same_length("values", self.names.len(), self.values.len())?;
        let columns = self
            .names
            .iter()
            .zip(self.contributions.iter().zip(&self.values));
        columns
            .into_iter()
            .try_for_each(|(name, (contributions, values))| {
                same_length(name, contributions.len(), values.len())
            })
    }

    /// Features by their mean absolute contribution, the greatest first.
    fn ranked(&self) -> Vec<(usize, f64)> {
        let mean = |column: &Vec<f64>| {
            let finite: Vec<_> = column
                .iter()
                .copied()
                .filter(|value| value.is_finite())
                .collect();
            finite.iter().map(|value| value.abs()).sum::<f64>() / finite.len().max(1) as f64
        };
        let mut ranked: Vec<_> = self.contributions.iter().map(mean).enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked
    }
}

/// Draws every row's contribution of the `most` most important features, coloured by the value of the feature.
///
/// Colours go from the 5th to the 95th percentile of each feature; missing values are grey. Rows that would lie over each
/// other are stacked; the caption says how many dots stand for how many.
///
/// # Errors
/// [`Error::Length`] when columns differ in number or length.
pub fn shap_summary(
    explained: &Explained,
    target: &Quantity,
    most: usize,
) -> Result<Figure, Error> {
    explained.check()?;
    let ranked = explained.ranked();
    let shown = &ranked[..most.min(ranked.len())];
    let names = shown
        .iter()
        .map(|(feature, _)| explained.names[*feature].as_str());
    let ramp = Ramp {
        label: "value of the feature".to_owned(),
        range: (0.0, 1.0),
        kind: RampKind::Sequential,
    };
    let rows = shown
        .iter()
        .map(|(feature, _)| coloured(explained, *feature))
        .collect();
    let swarm = Swarm {
        rows,
        ramp,
        ends: ("low".to_owned(), "high".to_owned()),
    };
    let x =
        Axis::linear(target.with_unit(&format!("contribution to the predicted {}", target.name)));
    let chart = Chart::new(x, Axis::category("", names)).with(Mark::Swarm(swarm));
    let top = shown.iter().take(3).map(|(feature, mean)| {
        format!(
            "{} ({})",
            explained.names[*feature],
            format_number(*mean, 3)
        )
    });
    let top: Vec<_> = top.collect();
    let caption = match shown.len() < ranked.len() {
        true => format!(
            "The {} most important of {} features.",
            shown.len(),
            ranked.len()
        ),
        false => String::new(),
    };
    Ok(Figure::new("What moves the predictions", chart)
        .subtitle("One dot a row: how much the feature adds to the prediction (SHAP value)")
        .panel_height(60.0 + 36.0 * shown.len().max(2) as f64)
        .caption(caption)
        .description(format!(
            "Greatest mean absolute contribution: {}.",
            top.join(", ")
        )))
}

/// Contributions of a feature, each with its value as a part of the range from the 5th to the 95th percentile.
fn coloured(explained: &Explained, feature: usize) -> Vec<(f64, f64)> {
    let (low, high) = middle_range(&explained.values[feature]);
    let along = |value: f64| match high > low {
        true => ((value - low) / (high - low)).clamp(0.0, 1.0),
        false if value.is_finite() => 0.5,
        false => f64::NAN,
    };
    let columns = explained.contributions[feature]
        .iter()
        .zip(&explained.values[feature]);
    columns
        .map(|(contribution, value)| {
            (
                *contribution,
                if value.is_finite() {
                    along(*value)
                } else {
                    f64::NAN
                },
            )
        })
        .collect()
}

/// The 5th and the 95th percentile, or the ends where these are equal.
fn middle_range(values: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<_> = values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (quantile(&sorted, 0.05), quantile(&sorted, 0.95));
    if low < high {
        (low, high)
    } else {
        (quantile(&sorted, 0.0), quantile(&sorted, 1.0))
    }
}

/// Draws one feature's contribution against its value, coloured by the value of another if one is given.
///
/// `feature` and `colour_by` are places in `names`.
///
/// # Errors
/// [`Error::Length`] when columns differ in number or length; [`Error::UnknownColumn`] for a place beyond them.
pub fn shap_dependence(
    explained: &Explained,
    target: &Quantity,
    feature: usize,
    colour_by: Option<usize>,
) -> Result<Figure, Error> {
    explained.check()?;
    let unknown = |place: usize| Error::UnknownColumn {
        name: format!("number {place}"),
        known: explained.names.clone(),
    };
    let name = explained
        .names
        .get(feature)
        .ok_or_else(|| unknown(feature))?;
    let places = explained.values[feature]
        .iter()
        .copied()
        .zip(explained.contributions[feature].iter().copied())
        .collect();
    let colours = match colour_by {
        None => Colours::Density,
        Some(other) => {
            let label = explained.names.get(other).ok_or_else(|| unknown(other))?;
            let values = explained.values[other].clone();
            let ramp = Ramp {
                range: middle_range(&values),
                ..Ramp::over(label, &[])
            };
            Colours::Values(values, ramp)
        }
    };
    let y = Axis::linear(target.with_unit(&format!("contribution of {name} to {}", target.name)));
    let chart = Chart::new(Axis::linear(name), y)
        .with(Mark::Rule(Rule::new(RuleAt::Y(0.0), "")))
        .with(Mark::Points(Points {
            colours,
            radius: 2.0,
            ..Points::new(places)
        }));
    Ok(Figure::new(format!("What {name} adds to the prediction"), chart).panel_height(340.0))
}

/// Draws how one prediction comes about: from the average prediction, feature by feature, the greatest first.
///
/// `features` are names, values as words, and contributions; beyond `most` the rest is one bar. `base` is the average
/// prediction; all in the unit of `target`.
pub fn shap_waterfall(
    features: &[(String, String, f64)],
    base: f64,
    target: &Quantity,
    most: usize,
) -> Figure {
    let steps = waterfall_steps(features, most);
    let prediction = base + features.iter().map(|feature| feature.2).sum::<f64>();
    let mut names = vec!["average prediction".to_owned()];
    names.extend(steps.iter().map(|(name, _)| name.clone()));
    names.push("this prediction".to_owned());
    let (mut bars, mut joints, mut sum) = (Vec::new(), Vec::new(), base);
    let words = format_alike(&steps.iter().map(|step| step.1).collect::<Vec<_>>(), 3);
    for (place, ((name, step), words)) in steps.iter().zip(&words).enumerate() {
        bars.push(waterfall_bar(
            place as f64 + 1.0,
            (name, words),
            (sum, sum + step),
        ));
        joints.extend([
            (sum, place as f64),
            (sum, place as f64 + 1.0),
            (f64::NAN, f64::NAN),
        ]);
        sum += step;
    }
    let last = steps.len() as f64 + 1.0;
    joints.extend([(sum, last - 1.0), (sum, last)]);
    // breaks of the line are not values of anybody
    let mut chart = Chart::new(
        Axis::linear(target.label("predicted")),
        Axis::category("", names),
    );
    for joint in joints.split(|place| place.0.is_nan()) {
        chart = chart.with(Mark::Line(Line {
            tone: Tone::Faint,
            is_thin: true,
            ..Line::new(joint.to_vec())
        }));
    }
    chart = chart.with(Mark::Bars(Bars {
        bars,
        is_horizontal: true,
        tone: Tone::Series(0),
        fill: Fill::Solid,
        name: None,
    }));
    for (place, value) in [(0.0, base), (last, prediction)] {
        let points = Points {
            colours: Colours::One(Tone::Ink),
            radius: 4.0,
            ..Points::new(vec![(value, place)])
        };
        chart = chart
            .with(Mark::Points(points))
            .with(Mark::Note(end_note(value, place)));
    }
    let title = format!(
        "Why this prediction is {}",
        target.with_unit(&format_number(prediction, 3))
    );
    // wide enough for names and values of features to be read to their end
    Figure::new(title, chart)
        .width(760.0)
        .panel_height(56.0 + 28.0 * (last + 1.0))
        .caption("Bars to the right (+) raise the prediction, bars to the left (−) lower it.")
}

fn end_note(value: f64, place: f64) -> Note {
    Note {
        place: (value, place),
        shift: (9.0, 4.0),
        text: format_number(value, 3),
        anchor: Anchor::Start,
        is_strong: true,
    }
}

fn waterfall_bar(place: f64, (name, words): (&str, &str), span: (f64, f64)) -> Bar {
    let step = span.1 - span.0;
    let sign = if step >= 0.0 { "+" } else { "" };
    let label = format!("{sign}{words}");
    let tone = Some(if step >= 0.0 {
        Tone::Series(1)
    } else {
        Tone::Series(0)
    });
    Bar {
        span,
        label_at: Some(span.0.max(span.1)),
        tip: Some(format!("{name}: {label}")),
        label: Some(label),
        tone,
        ..Bar::new(place, 0.66, 0.0)
    }
}

/// The greatest contributions by themselves, the others together.
fn waterfall_steps(features: &[(String, String, f64)], most: usize) -> Vec<(String, f64)> {
    let mut sorted: Vec<_> = features.iter().collect();
    sorted.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()).then_with(|| a.0.cmp(&b.0)));
    let shown = if sorted.len() <= most {
        sorted.len()
    } else {
        most.max(2) - 1
    };
    let mut steps: Vec<_> = sorted[..shown]
        .iter()
        .map(|(name, value, step)| (named(name, value), *step))
        .collect();
    let rest = &sorted[shown..];
    if !rest.is_empty() {
        let sum = rest.iter().map(|feature| feature.2).sum();
        steps.push((format!("{} others", fixed(rest.len() as f64, 0)), sum));
    }
    steps
}

fn named(name: &str, value: &str) -> String {
    if value.is_empty() {
        name.to_owned()
    } else {
        format!("{name} = {value}")
    }
}
