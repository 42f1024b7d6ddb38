//! A map of regions: cells in the plane, coloured by a value.

use crate::axis::Axis;
use crate::chart::Chart;
use crate::colour::Ramp;
use crate::figure::Figure;
use crate::mark::{Cell, Cells, Mark};
use crate::number::{fixed, format_number};
use crate::quantity::Quantity;

/// One cell of a map.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its ends along `x`, for example degrees of longitude.
    pub x: (f64, f64),
    /// Its ends along `y`, for example degrees of latitude.
    pub y: (f64, f64),
    /// What its colour says.
    pub value: f64,
    /// Rows in it, for the tooltip.
    pub rows: usize,
}

/// Draws regions in their places.
///
/// `x` and `y` name the axes. With `around_zero` colours are blue below zero and orange above, else dark to light. With
/// `is_geographic` a degree of latitude is drawn as much longer than one of longitude as it is in the middle of the map.
pub fn regions(
    title: &str,
    (x, y): (&Quantity, &Quantity),
    value: &Quantity,
    regions: &[Region],
    around_zero: bool,
    is_geographic: bool,
) -> Figure {
    let values: Vec<_> = regions.iter().map(|region| region.value).collect();
    let ramp = Ramp::over(value.label(""), &values);
    let ramp = if around_zero {
        ramp.around_zero()
    } else {
        ramp
    };
    let cells = regions.iter().map(|region| cell(region, value)).collect();
    let (x, y) = (Axis::linear(x.label("")), Axis::linear(y.label("")));
    let mut chart = Chart::new(x, y).with(Mark::Cells(Cells { cells, ramp }));
    if is_geographic {
        chart = chart.equal_units(stretch(regions));
    }
    let width = if is_geographic {
        520.0 * shape(regions) + 110.0
    } else {
        680.0
    };
    Figure::new(title, chart)
        .width(width.clamp(420.0, 900.0))
        .panel_height(560.0)
}

/// Width over height of the map.
fn shape(regions: &[Region]) -> f64 {
    let span = |ends: fn(&Region) -> (f64, f64)| {
        let (low, high) = reach(regions, ends);
        high - low
    };
    let shape = span(|region| region.x) / (span(|region| region.y) * stretch(regions));
    if shape.is_finite() { shape } else { 1.0 }
}

/// The least and the greatest of the ends.
fn reach(regions: &[Region], ends: fn(&Region) -> (f64, f64)) -> (f64, f64) {
    let ends = regions
        .iter()
        .flat_map(|region| [ends(region).0, ends(region).1]);
    let widest = |(low, high): (f64, f64), end: f64| (low.min(end), high.max(end));
    ends.filter(|end| end.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), widest)
}

fn cell(region: &Region, value: &Quantity) -> Cell {
    let amount = value.with_unit(&format_number(region.value, 3));
    let tip = Some(format!("{amount}, {} rows", fixed(region.rows as f64, 0)));
    Cell {
        x: region.x,
        y: region.y,
        value: region.value,
        label: None,
        tip,
    }
}

/// Degrees of longitude that are as long as one of latitude: 1 / cos of the middle.
fn stretch(regions: &[Region]) -> f64 {
    let (low, high) = reach(regions, |region| region.y);
    let cosine = f64::midpoint(low, high).to_radians().cos();
    if cosine > 0.05 { 1.0 / cosine } else { 1.0 }
}
