//! How a regression model errs: predicted against actual, residuals in three views.
//!
//! A residual is actual − predicted: positive where the model predicts too little.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::colour::Tone;
use crate::error::{Error, same_length};
use crate::figure::Figure;
use crate::mark::{Bar, Bars, Colours, Fill, Line, Mark, Points, Rule, RuleAt};
use crate::number::{fixed, format_number};
use crate::quantity::Quantity;

/// Draws each prediction against the truth; on the diagonal they are equal.
///
/// `actual` and `predicted` have `n_rows` values in the unit of `target`; colour is how many rows are on a spot. Rows with
/// a value that is not finite are left out.
///
/// # Errors
/// [`Error::Length`] when the columns differ in length.
pub fn predicted_against_actual(
    actual: &[f64],
    predicted: &[f64],
    target: &Quantity,
) -> Result<Figure, Error> {
    same_length("predicted", actual.len(), predicted.len())?;
    let places = actual
        .iter()
        .copied()
        .zip(predicted.iter().copied())
        .collect();
    let diagonal = Rule::new(
        RuleAt::Slope {
            slope: 1.0,
            intercept: 0.0,
        },
        "predicted = actual",
    );
    let chart = Chart::new(
        Axis::linear(target.label("actual")),
        Axis::linear(target.label("predicted")),
    )
    .with(Mark::Points(Points {
        colours: Colours::Density,
        radius: 2.2,
        ..Points::new(places)
    }))
    .with(Mark::Rule(diagonal))
    .equal_units(1.0);
    let errors = residuals(actual, predicted);
    let figure = Figure::new("Predicted against actual", chart)
        .width(560.0)
        .panel_height(540.0);
    Ok(figure.subtitle(spread_of(&errors, target)))
}

/// Draws the residuals against the predictions: a model that errs alike everywhere has a level, even cloud.
///
/// Columns, units and missing values as in [`predicted_against_actual`]. The line is the median residual of each of up to
/// 20 groups of equally many rows in the order of the prediction.
///
/// # Errors
/// [`Error::Length`] when the columns differ in length.
pub fn residuals_against_predicted(
    actual: &[f64],
    predicted: &[f64],
    target: &Quantity,
) -> Result<Figure, Error> {
    same_length("predicted", actual.len(), predicted.len())?;
    let places: Vec<_> = predicted
        .iter()
        .zip(actual)
        .map(|(predicted, actual)| (*predicted, actual - predicted))
        .collect();
    let medians = running_medians(&places);
    let y = Axis::linear(target.with_unit("residual = actual − predicted"));
    let median = Line {
        tone: Tone::Ink,
        name: Some("median residual".to_owned()),
        ..Line::new(medians)
    };
    let chart = Chart::new(Axis::linear(target.label("predicted")), y)
        .with(Mark::Points(Points {
            colours: Colours::Density,
            radius: 2.2,
            ..Points::new(places)
        }))
        .with(Mark::Rule(Rule::new(RuleAt::Y(0.0), "")))
        .with(Mark::Line(median));
    let figure = Figure::new("Residuals against predicted", chart);
    Ok(figure.subtitle(spread_of(&residuals(actual, predicted), target)))
}

/// Draws how often residuals of each size occur.
///
/// Bins are equally wide, by the rule of Freedman and Diaconis (1981), between 8 and 80 of them. Columns, units and
/// missing values as in [`predicted_against_actual`].
///
/// # Errors
/// [`Error::Length`] when the columns differ in length.
pub fn residual_histogram(
    actual: &[f64],
    predicted: &[f64],
    target: &Quantity,
) -> Result<Figure, Error> {
    same_length("predicted", actual.len(), predicted.len())?;
    let sorted = sorted_finite(residuals(actual, predicted));
    let label = target.with_unit("residual = actual − predicted");
    let bars = histogram(&sorted, target);
    let chart = Chart::new(Axis::linear(label), Axis::linear("rows").including(0.0))
        .with(Mark::Bars(Bars {
            bars,
            is_horizontal: false,
            tone: Tone::Series(0),
            fill: Fill::Solid,
            name: None,
        }))
        .with(Mark::Rule(Rule::new(RuleAt::X(0.0), "")));
    let figure = Figure::new("Distribution of residuals", chart).panel_height(300.0);
    Ok(figure
        .subtitle(spread_of(&sorted, target))
        .caption(left_out(actual.len() - sorted.len())))
}

/// Draws the quantiles of the residuals against those of a normal distribution of the same mean and deviation: on the
/// line residuals are normal, beyond it at the ends large errors are more frequent.
///
/// Columns, units and missing values as in [`predicted_against_actual`]. Plotting positions are (i − ½) / n.
///
/// # Errors
/// [`Error::Length`] when the columns differ in length.
pub fn residual_quantiles(
    actual: &[f64],
    predicted: &[f64],
    target: &Quantity,
) -> Result<Figure, Error> {
    same_length("predicted", actual.len(), predicted.len())?;
    let sorted = sorted_finite(residuals(actual, predicted));
    let count = sorted.len() as f64;
    let position = |place: usize| normal_quantile((place as f64 + 0.5) / count);
    let places = sorted
        .iter()
        .enumerate()
        .map(|(place, residual)| (position(place), *residual))
        .collect();
    let (mean, deviation) = moments(&sorted);
    let normal = Rule::new(
        RuleAt::Slope {
            slope: deviation,
            intercept: mean,
        },
        "normal",
    );
    let x = Axis::linear("quantile of a normal distribution (standard deviations)");
    let chart = Chart::new(
        x,
        Axis::linear(target.with_unit("residual = actual − predicted")),
    )
    .with(Mark::Points(Points {
        radius: 2.0,
        ..Points::new(places)
    }))
    .with(Mark::Rule(normal));
    let figure = Figure::new("Residuals beside a normal distribution", chart);
    Ok(figure
        .subtitle(spread_of(&sorted, target))
        .caption(left_out(actual.len() - sorted.len())))
}

fn residuals(actual: &[f64], predicted: &[f64]) -> Vec<f64> {
    actual
        .iter()
        .zip(predicted)
        .map(|(actual, predicted)| actual - predicted)
        .collect()
}

fn sorted_finite(mut values: Vec<f64>) -> Vec<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    values
}

fn left_out(count: usize) -> String {
    match count {
        0 => String::new(),
        1 => "1 value is not shown: not finite.".to_owned(),
        _ => format!(
            "{} values are not shown: not finite.",
            fixed(count as f64, 0)
        ),
    }
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values
        .iter()
        .map(|value| (value - mean).powi(2))
        .sum::<f64>();
    (mean, (squares / count).sqrt())
}

/// `20,640 rows · RMSE 0.450 · mean residual 0.0012`.
fn spread_of(residuals: &[f64], target: &Quantity) -> String {
    let finite: Vec<_> = residuals
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    if finite.is_empty() {
        return String::new();
    }
    let count = finite.len() as f64;
    let error = (finite.iter().map(|value| value * value).sum::<f64>() / count).sqrt();
    let (error, mean) = (
        format_number(error, 4),
        format_number(moments(&finite).0, 2),
    );
    let rows = if finite.len() == 1 { "row" } else { "rows" };
    let words = format!(
        "{} {rows} · RMSE {error} · mean residual {mean}",
        fixed(count, 0)
    );
    target.with_unit(&words)
}

/// The median of `y` in groups of equally many places in the order of `x`.
fn running_medians(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut finite: Vec<_> = places
        .iter()
        .copied()
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    finite.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let groups = (finite.len() / 10).min(20);
    let group = |number: usize| {
        &finite[number * finite.len() / groups..(number + 1) * finite.len() / groups]
    };
    let median = |values: Vec<f64>| {
        let sorted = sorted_finite(values);
        quantile(&sorted, 0.5)
    };
    let middle = |group: &[(f64, f64)]| {
        let (x, y) = (
            group.iter().map(|place| place.0),
            group.iter().map(|place| place.1),
        );
        (median(x.collect()), median(y.collect()))
    };
    (0..groups).map(|number| middle(group(number))).collect()
}

/// The `part` quantile of sorted values, linearly between two; NaN of none.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = part * last as f64;
    let below = (place.floor() as usize).min(last);
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// Counts in bins of equal width that begin at a multiple of it.
fn histogram(sorted: &[f64], target: &Quantity) -> Vec<Bar> {
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else {
        return Vec::new();
    };
    let width = bin_width(sorted);
    let first = (low / width).floor();
    let bins = ((high / width).floor() - first) as usize + 1;
    let mut counts = vec![0_usize; bins];
    for value in sorted {
        let bin = ((value / width).floor() - first) as usize;
        counts[bin.min(bins - 1)] += 1;
    }
    let bar = |(bin, count): (usize, usize)| {
        let (from, to) = (
            (first + bin as f64) * width,
            (first + bin as f64 + 1.0) * width,
        );
        let range = target.with_unit(&format!(
            "{} to {}",
            format_number(from, 3),
            format_number(to, 3)
        ));
        let tip = Some(format!("{range}: {} rows", fixed(count as f64, 0)));
        Bar {
            tip,
            ..Bar::new(f64::midpoint(from, to), width * 0.94, count as f64)
        }
    };
    counts
        .into_iter()
        .enumerate()
        .filter(|(_, count)| *count > 0)
        .map(bar)
        .collect()
}

/// 2 · interquartile range · n^(−⅓), made 1, 2 or 5 times a power of ten, for 8 to 80 bins.
fn bin_width(sorted: &[f64]) -> f64 {
    let range = quantile(sorted, 1.0) - quantile(sorted, 0.0);
    if range <= 0.0 {
        return quantile(sorted, 0.0).abs().max(1.0) / 10.0;
    }
    let quartiles = quantile(sorted, 0.75) - quantile(sorted, 0.25);
    let wanted = (2.0 * quartiles / (sorted.len() as f64).cbrt()).clamp(range / 80.0, range / 8.0);
    let power = 10f64.powf(wanted.log10().floor());
    let digits = [1.0, 2.0, 5.0, 10.0].into_iter().min_by(|a, b| {
        (a * power / wanted)
            .ln()
            .abs()
            .total_cmp(&(b * power / wanted).ln().abs())
    });
    digits.unwrap_or(1.0) * power
}

/// The quantile of the standard normal distribution.
///
/// Peter Acklam's rational approximation, relative error below 1.2e-9 for `0 < part < 1`; the infinities at the ends.
pub(crate) fn normal_quantile(part: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 5] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 4] = [
        7.784695709041462e-3,
        3.224671290700398e-1,
        2.445134137142996,
        3.754408661907416,
    ];
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, next| sum * x + next);
    let tail = |part: f64| {
        let q = (-2.0 * part.ln()).sqrt();
        polynomial(&C, q) / polynomial(&[D[0], D[1], D[2], D[3], 1.0], q)
    };
    match part {
        _ if part <= 0.0 => f64::NEG_INFINITY,
        _ if part >= 1.0 => f64::INFINITY,
        _ if part < 0.02425 => tail(part),
        _ if part > 1.0 - 0.02425 => -tail(1.0 - part),
        _ => {
            let q = part - 0.5;
            let r = q * q;
            q * polynomial(&A, r) / polynomial(&[B[0], B[1], B[2], B[3], B[4], 1.0], r)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against scipy 1.16 `scipy.stats.norm.ppf`.
    #[test]
    fn normal_quantiles_agree_with_scipy() {
        let check = |part, expect: f64| {
            assert!(
                (normal_quantile(part) - expect).abs() < 4e-9 * expect.abs().max(1.0),
                "{part}"
            )
        };
        check(0.5, 0.0);
        check(0.975, 1.959963984540054);
        check(0.01, -2.3263478740408408);
        check(1e-6, -4.753424308822899);
        check(0.9999, 3.719016485455709);
    }

    #[test]
    fn histograms_hold_every_row() {
        let values: Vec<f64> = (0..1000)
            .map(|n| f64::from(n * n % 997) / 100.0 - 3.0)
            .collect();
        let bars = histogram(&sorted_finite(values), &Quantity::new("y"));
        assert_eq!(bars.iter().map(|bar| bar.span.1).sum::<f64>(), 1000.0);
        assert!((4..=81).contains(&bars.len()), "{}", bars.len());
        assert_eq!(histogram(&[3.0, 3.0], &Quantity::new("y")).len(), 1);
        assert!(histogram(&[], &Quantity::new("y")).is_empty());
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let error = predicted_against_actual(&[1.0, 2.0], &[1.0], &Quantity::new("y"))
            .expect_err("one value is missing");
        assert_eq!(
            error.to_string(),
            "`predicted` has 1 values where 2 are needed"
        );
    }
}
