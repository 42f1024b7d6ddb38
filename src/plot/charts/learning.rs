//! How a metric develops while a model is trained.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::figure::Figure;
use crate::mark::{Line, Mark, Rule, RuleAt};
use crate::number::{fixed, format_number};

/// A metric by iteration on one part of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// `train`, `validation`.
    pub name: String,
    /// `(iteration, value)` in the order of the iterations.
    pub values: Vec<(f64, f64)>,
}

/// Draws a metric by iteration on each part, with the iteration that was kept.
///
/// `metric` says the metric with its unit. `log_x` spreads iterations by their logarithm; iteration 0 has no place then.
pub fn learning_curve(metric: &str, curves: &[Curve], best: Option<f64>, log_x: bool) -> Figure {
    let x = if log_x {
        Axis::log("iteration")
    } else {
        Axis::linear("iteration")
    };
    let mut chart = Chart::new(x, Axis::linear(metric));
    for (place, curve) in curves.iter().enumerate() {
        chart = chart.with(Mark::Line(
            Line::new(curve.values.clone()).series(place, &curve.name),
        ));
    }
    if let Some(best) = best {
        chart = chart.with(Mark::Rule(Rule::new(
            RuleAt::X(best),
            format!("kept: {}", fixed(best, 0)),
        )));
    }
    let figure = Figure::new("Learning curve", chart).panel_height(340.0);
    figure.description(last_values(curves))
}

fn last_values(curves: &[Curve]) -> String {
    let last = |curve: &Curve| {
        let (iteration, value) = curve.values.last()?;
        Some(format!(
            "{} ends at {} after iteration {}.",
            curve.name,
            format_number(*value, 4),
            fixed(*iteration, 0)
        ))
    };
    let sentences: Vec<_> = curves.iter().filter_map(last).collect();
    sentences.join(" ")
}
