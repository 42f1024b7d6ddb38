//! Models side by side: one group of bars a model, one bar a part of the data.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::colour::Tone;
use crate::figure::Figure;
use crate::mark::{Bar, Bars, Fill, Mark, Rule, RuleAt};
use crate::number::format_number;

/// The scores of one model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelScores {
    /// Its name.
    pub model: String,
    /// A score for each of the parts; not finite: no bar.
    pub scores: Vec<f64>,
    /// Whether it is the one selected.
    pub is_selected: bool,
}

/// Draws the scores of models on the parts of the data, in the order given.
///
/// `parts` are `train`, `validation`, `test`; `metric` says the metric with its unit. `threshold` is a required value and
/// what to call it.
pub fn compared_models(
    metric: &str,
    parts: &[&str],
    models: &[ModelScores],
    threshold: Option<(f64, &str)>,
) -> Figure {
    let name = |model: &ModelScores| {
        if model.is_selected {
            format!("★ {}", model.model)
        } else {
            model.model.clone()
        }
    };
    let names: Vec<_> = models.iter().map(name).collect();
    let mut chart = Chart::new(
        Axis::linear(metric).including(0.0),
        Axis::category("", names),
    );
    for (part, name) in parts.iter().enumerate() {
        chart = chart.with(Mark::Bars(part_bars(part, parts, name, models)));
    }
    if let Some((value, name)) = threshold {
        chart = chart.with(Mark::Rule(Rule::new(
            RuleAt::X(value),
            format!("{name} {}", format_number(value, 3)),
        )));
    }
    let group = 14.0 * parts.len() as f64 + 14.0;
    let selected = models.iter().find(|model| model.is_selected);
    let caption = selected
        .map(|model| format!("★ selected: {}.", model.model))
        .unwrap_or_default();
    Figure::new("Comparison of models", chart)
        .subtitle(metric)
        .panel_height(56.0 + group * models.len().max(1) as f64)
        .caption(caption)
}

fn part_bars(part: usize, parts: &[&str], name: &str, models: &[ModelScores]) -> Bars {
    let width = 0.78 / parts.len() as f64;
    let bar = |(place, model): (usize, &ModelScores)| {
        let value = model.scores.get(part).copied().unwrap_or(f64::NAN);
        let middle = place as f64 - 0.39 + (part as f64 + 0.5) * width;
        let label = format_number(value, 3);
        let tip = Some(format!("{}, {name}: {label}", model.model));
        Bar {
            label: Some(label),
            tip,
            ..Bar::new(middle, width * 0.86, value)
        }
    };
    let bars = models.iter().enumerate().map(bar).collect();
    Bars {
        bars,
        is_horizontal: true,
        tone: tone(part),
        fill: Fill::of_series(part),
        name: Some(name.to_owned()),
    }
}

const fn tone(part: usize) -> Tone {
    match part {
        0 => Tone::Series(6),
        1 => Tone::Series(5),
        2 => Tone::Series(0),
        _ => Tone::Series(part),
    }
}
