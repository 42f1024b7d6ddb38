//! How much each feature, or each parameter of a study, matters.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::colour::Tone;
use crate::figure::Figure;
use crate::mark::{Bar, Bars, ErrorBars, Fill, Mark};
use crate::number::{format_alike, format_number};

/// The importance of one thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// The feature or parameter.
    pub name: String,
    /// Its importance.
    pub value: f64,
    /// Half the length of its error bar, as one standard deviation over repetitions; none without repetitions.
    pub error: Option<f64>,
}

/// Draws bars from the most important to the least, at most `most` of them.
///
/// `measure` says what the lengths are, with the unit: `increase of RMSE when shuffled (100,000 $)`. Values that are not
/// finite come last and have no bar.
pub fn importance(title: &str, measure: &str, items: &[Importance], most: usize) -> Figure {
    let mut sorted: Vec<_> = items.iter().collect();
    let value = |item: &Importance| {
        if item.value.is_finite() {
            item.value
        } else {
            f64::NEG_INFINITY
        }
    };
    sorted.sort_by(|a, b| {
        value(b)
            .total_cmp(&value(a))
            .then_with(|| a.name.cmp(&b.name))
    });
    sorted.truncate(most);
    let names = sorted.iter().map(|item| item.name.as_str());
    let mut chart = Chart::new(
        Axis::linear(measure).including(0.0),
        Axis::category("", names),
    )
    .with(Mark::Bars(bars(&sorted)));
    let ranges = errors(&sorted);
    let has_errors = !ranges.is_empty();
    if has_errors {
        chart = chart.with(Mark::ErrorBars(ErrorBars {
            ranges,
            is_horizontal: true,
        }));
    }
    let caption = caption(items.len(), sorted.len(), has_errors);
    let top: Vec<_> = sorted
        .iter()
        .take(3)
        .map(|item| format!("{} {}", item.name, format_number(item.value, 3)))
        .collect();
    Figure::new(title, chart)
        .panel_height(56.0 + 26.0 * sorted.len().max(2) as f64)
        .caption(caption)
        .description(format!("Most important: {}.", top.join(", ")))
}

fn bars(sorted: &[&Importance]) -> Bars {
    let labels = labels(sorted);
    let bar = |(place, (item, label)): (usize, (&&Importance, String))| {
        // the label stands behind the error bar
        let reach = item.error.filter(|error| error.is_finite()).unwrap_or(0.0);
        Bar {
            label_at: Some(item.value.max(0.0) + reach),
            tip: Some(format!("{}: {label}", item.name)),
            label: Some(label),
            ..Bar::new(place as f64, 0.62, item.value)
        }
    };
    let bars = sorted.iter().zip(labels).enumerate().map(bar).collect();
    Bars {
        bars,
        is_horizontal: true,
        tone: Tone::Series(0),
        fill: Fill::Solid,
        name: None,
    }
}

/// `0.410 ± 0.012`, with as many decimals everywhere.
fn labels(sorted: &[&Importance]) -> Vec<String> {
    let both = |item: &&Importance| [item.value, item.error.unwrap_or(0.0)];
    let numbers: Vec<_> = sorted.iter().flat_map(both).collect();
    let words = format_alike(&numbers, 3);
    let label = |(item, words): (&&Importance, &[String])| match item.error {
        Some(_) => words.join(" ± "),
        None => words[0].clone(),
    };
    sorted
        .iter()
        .zip(words.chunks_exact(2))
        .map(label)
        .collect()
}

fn errors(sorted: &[&Importance]) -> Vec<(f64, f64, f64)> {
    let range = |(place, item): (usize, &&Importance)| {
        let error = item
            .error
            .filter(|error| error.is_finite() && item.value.is_finite())?;
        Some((place as f64, item.value - error, item.value + error))
    };
    sorted.iter().enumerate().filter_map(range).collect()
}

fn caption(all: usize, shown: usize, has_errors: bool) -> String {
    let mut parts = Vec::new();
    if has_errors {
        parts.push("Error bars: one standard deviation over the repetitions.".to_owned());
    }
    if shown < all {
        parts.push(format!("The {shown} most important of {all}."));
    }
    parts.join(" ")
}
