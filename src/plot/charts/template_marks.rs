//! What the templates need beyond lines and points: smoothing, jitter, confusion matrices, bars.

use std::collections::{HashMap, HashSet};

use crate::axis::Axis;
use crate::chart::Chart;
use crate::charts::template::{Column, Series, Template, TemplateOptions, distinct};
use crate::colour::{Ramp, Tone};
use crate::error::Error;
use crate::figure::Figure;
use crate::mark::{Bar, Bars, Cell, Cells, Fill, Mark};
use crate::number::{fixed, format_number};

/// Classes a confusion matrix shows.
const CLASSES: usize = 20;
/// What the classes beyond are called.
const OTHERS: &str = "(others)";

/// Places moved a little, evenly in both directions and without chance, so that equal ones are seen.
pub(crate) fn jittered(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let span = |pick: fn(&(f64, f64)) -> f64| {
        let finite = places.iter().map(pick).filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if high > low { (high - low) * 0.02 } else { 0.0 }
    };
    let (wide, high) = (span(|place| place.0), span(|place| place.1));
    // the two ratios of the plastic number (Roberts, 2018) fill the square evenly
    let moved = |(number, (x, y)): (usize, &(f64, f64))| {
        let along = |ratio: f64| (number as f64 * ratio).fract() - 0.5;
        (
            x + along(0.754_877_666_2) * wide,
            y + along(0.569_840_291) * high,
        )
    };
    places.iter().enumerate().map(moved).collect()
}

/// A local linear fit with tricube weights over the nearest `part` of the places (Cleveland, 1979, without robustness
/// iterations), at up to 200 places along `x`.
pub(crate) fn smoothed(places: &[(f64, f64)], part: f64) -> Vec<(f64, f64)> {
    let mut sorted: Vec<_> = places
        .iter()
        .copied()
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    if sorted.len() < 3 {
        return sorted;
    }
    let near = ((sorted.len() as f64 * part).ceil() as usize).clamp(3, sorted.len());
    let points = sorted.len().min(200);
    let (first, last) = (sorted[0].0, sorted[sorted.len() - 1].0);
    let at = |point: usize| first + (last - first) * point as f64 / (points - 1) as f64;
    let mut begin = 0;
    let mut out = Vec::with_capacity(points);
    for x in (0..points).map(at) {
        while begin + near < sorted.len() && sorted[begin + near].0 - x < x - sorted[begin].0 {
            begin += 1;
        }
        out.push((x, local_fit(&sorted[begin..begin + near], x)));
    }
    out
}

/// The weighted line through the places around `x`, at `x`.
fn local_fit(places: &[(f64, f64)], x: f64) -> f64 {
    let reach = places
        .iter()
        .map(|place| (place.0 - x).abs())
        .fold(0.0, f64::max)
        * 1.000_001;
    let weight = |place: &(f64, f64)| match reach > 0.0 {
        true => (1.0 - ((place.0 - x).abs() / reach).powi(3)).powi(3),
        false => 1.0,
    };
    let total: f64 = places.iter().map(weight).sum();
    let mean = |pick: fn(&(f64, f64)) -> f64| {
        places
            .iter()
            .map(|place| weight(place) * pick(place))
            .sum::<f64>()
            / total
    };
    let (middle, height) = (mean(|place| place.0), mean(|place| place.1));
    let (mut both, mut square) = (0.0, 0.0);
    for place in places {
        both += weight(place) * (place.0 - middle) * (place.1 - height);
        square += weight(place) * (place.0 - middle).powi(2);
    }
    if square > 0.0 {
        height + both / square * (x - middle)
    } else {
        height
    }
}

/// Confusion matrices side by side, one a series.
pub(crate) fn confusion(options: &TemplateOptions, series: &[Series]) -> Figure {
    let words = |one: &Series| {
        (
            one.x.as_ref().map(Column::words).unwrap_or_default(),
            one.y.words(),
        )
    };
    let mut pairs: Vec<_> = series.iter().map(words).collect();
    let classes = few_classes(&mut pairs);
    let is_normalized = options.template == Template::ConfusionNormalized;
    let cells = |(actual, predicted): &(Vec<String>, Vec<String>)| {
        confusion_cells(&classes, actual, predicted, is_normalized)
    };
    let cells: Vec<_> = pairs.iter().map(cells).collect();
    let ramp = confusion_ramp(&cells, is_normalized);
    let axis = |label: &str| Axis::category(label, classes.iter().map(String::as_str));
    let panel = |(one, cells): (&Series, Vec<Cell>)| {
        let cells = Mark::Cells(Cells {
            cells,
            ramp: ramp.clone(),
        });
        let chart = Chart::new(axis(&options.x_label), axis(&options.y_label)).with(cells);
        if series.len() > 1 {
            chart.heading(&one.name)
        } else {
            chart
        }
    };
    let panels: Vec<_> = series.iter().zip(cells).map(panel).collect();
    let side = (classes.len() as f64 * 44.0).clamp(200.0, 520.0);
    let columns = panels.len().clamp(1, 3);
    Figure::of_panels(&options.title, panels, columns)
        .width(columns as f64 * (side + 110.0) + 32.0)
        .panel_height(side + 70.0)
}

/// The classes in order; beyond [`CLASSES`] the rarest become one, also in the pairs.
fn few_classes(pairs: &mut [(Vec<String>, Vec<String>)]) -> Vec<String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for word in pairs
        .iter()
        .flat_map(|(actual, predicted)| actual.iter().chain(predicted))
    {
        *counts.entry(word.clone()).or_default() += 1;
    }
    let mut classes: Vec<_> = counts.into_iter().collect();
    classes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let kept = if classes.len() > CLASSES {
        CLASSES - 1
    } else {
        classes.len()
    };
    let others: HashSet<_> = classes.drain(kept..).map(|(class, _)| class).collect();
    let mut classes: Vec<_> = classes.into_iter().map(|(class, _)| class).collect();
    classes.sort();
    if !others.is_empty() {
        let words = pairs
            .iter_mut()
            .flat_map(|(actual, predicted)| actual.iter_mut().chain(predicted));
        for word in words.filter(|word| others.contains(*word)) {
            OTHERS.clone_into(word);
        }
        classes.push(OTHERS.to_owned());
    }
    classes
}

/// The colours of all matrices, from zero on.
fn confusion_ramp(matrices: &[Vec<Cell>], is_normalized: bool) -> Ramp {
    let label = if is_normalized {
        "part of the actual class"
    } else {
        "rows"
    };
    let most = matrices
        .iter()
        .flatten()
        .map(|cell| cell.value)
        .fold(0.0, f64::max);
    let range = (
        0.0,
        if is_normalized || most == 0.0 {
            1.0
        } else {
            most
        },
    );
    Ramp {
        range,
        ..Ramp::over(label, &[])
    }
}

fn confusion_cells(
    classes: &[String],
    actual: &[String],
    predicted: &[String],
    is_normalized: bool,
) -> Vec<Cell> {
    let place: HashMap<_, _> = classes
        .iter()
        .enumerate()
        .map(|(place, class)| (class, place))
        .collect();
    let mut counts = vec![vec![0_usize; classes.len()]; classes.len()];
    for (actual, predicted) in actual.iter().zip(predicted) {
        counts[place[actual]][place[predicted]] += 1;
    }
    let mut cells = Vec::new();
    for (x, column) in counts.iter().enumerate() {
        let total = column.iter().sum::<usize>().max(1) as f64;
        for (y, count) in column.iter().enumerate() {
            let value = if is_normalized {
                *count as f64 / total
            } else {
                *count as f64
            };
            let label = Some(if is_normalized {
                format_number(value, 2)
            } else {
                fixed(value, 0)
            });
            let tip = Some(format!(
                "actual {}, predicted {}: {} rows",
                classes[x],
                classes[y],
                fixed(*count as f64, 0)
            ));
            let ends = |place: usize| (place as f64 - 0.5, place as f64 + 0.5);
            cells.push(Cell {
                x: ends(x),
                y: ends(y),
                value,
                label,
                tip,
            });
        }
    }
    cells
}

/// Horizontal bars: `y` names them, `x` is their length, as in DVC's template; the other way round when only that fits.
pub(crate) fn bars(options: &TemplateOptions, series: &[Series]) -> Result<Figure, Error> {
    let lengths: Vec<_> = series.iter().map(named_lengths).collect::<Result<_, _>>()?;
    let mut names = distinct(lengths.iter().flatten().map(|(name, _)| name.clone()));
    if options.template == Template::BarHorizontalSorted {
        let first: HashMap<_, _> = lengths
            .iter()
            .flatten()
            .rev()
            .map(|(name, length)| (name.clone(), *length))
            .collect();
        names.sort_by(|a, b| first[b].total_cmp(&first[a]));
    }
    let places: HashMap<_, _> = names
        .iter()
        .zip(0_u32..)
        .map(|(name, place)| (name.as_str(), f64::from(place)))
        .collect();
    let width = 0.78 / series.len().max(1) as f64;
    let mut chart = Chart::new(
        Axis::linear(&options.x_label).including(0.0),
        Axis::category(&options.y_label, names.iter().map(String::as_str)),
    );
    for (number, (one, lengths)) in series.iter().zip(&lengths).enumerate() {
        let bar = |(name, length): &(String, f64)| {
            let place = places[name.as_str()] - 0.39 + (number as f64 + 0.5) * width;
            let label = format_number(*length, 3);
            Bar {
                tip: Some(format!("{name}, {}: {label}", one.name)),
                label: Some(label),
                ..Bar::new(place, width * 0.86, *length)
            }
        };
        let bars = lengths.iter().map(bar).collect();
        let fill = if series.len() == 1 {
            Fill::Solid
        } else {
            Fill::of_series(number + 2)
        };
        chart = chart.with(Mark::Bars(Bars {
            bars,
            is_horizontal: true,
            tone: Tone::Series(number),
            fill,
            name: Some(one.name.clone()),
        }));
    }
    let group = 14.0 * series.len().max(1) as f64 + 12.0;
    Ok(Figure::new(&options.title, chart).panel_height(56.0 + group * names.len().max(2) as f64))
}

fn named_lengths(one: &Series) -> Result<Vec<(String, f64)>, Error> {
    let (names, lengths) = match (&one.x, &one.y) {
        (Some(Column::Numbers(lengths)), names) => (names.words(), lengths.clone()),
        (Some(names), Column::Numbers(lengths)) => (names.words(), lengths.clone()),
        (None, Column::Numbers(lengths)) => (
            (0..lengths.len()).map(|row| fixed(row as f64, 0)).collect(),
            lengths.clone(),
        ),
        _ => {
            return Err(Error::NotNumeric {
                name: one.name.clone(),
            });
        }
    };
    Ok(names.into_iter().zip(lengths).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_lines_and_brings_noise_down() {
        let line: Vec<_> = (0..50)
            .map(|n| (f64::from(n), 3.0 - f64::from(n) * 0.5))
            .collect();
        for (x, y) in smoothed(&line, 0.3) {
            assert!((y - (3.0 - x * 0.5)).abs() < 1e-9, "{x}: {y}");
        }
        let noisy: Vec<_> = (0..50)
            .map(|n| (f64::from(n), f64::from(n % 2) * 2.0 - 1.0))
            .collect();
        assert!(
            smoothed(&noisy, 0.3)
                .iter()
                .all(|place| place.1.abs() < 0.45)
        );
        assert_eq!(smoothed(&[(1.0, 2.0), (f64::NAN, 1.0)], 0.3), [(1.0, 2.0)]);
    }

    #[test]
    fn rare_classes_become_one() {
        let words = |count: usize| {
            (0..count)
                .map(|n| format!("c{}", n * n % 31))
                .collect::<Vec<_>>()
        };
        let mut few = [(words(4), words(4))];
        assert_eq!(few_classes(&mut few), ["c0", "c1", "c4", "c9"]);
        let many: Vec<_> = (0..CLASSES + 5).map(|n| format!("c{n:02}")).collect();
        let mut pairs = [(many.clone(), many)];
        let classes = few_classes(&mut pairs);
        assert_eq!(
            (classes.len(), classes.last().map(String::as_str)),
            (CLASSES, Some(OTHERS))
        );
        assert_eq!(pairs[0].0.iter().filter(|word| *word == OTHERS).count(), 6);
    }
}
