//! How long drift takes to judge: `drift COLUMNS ROWS`, in parts of 8,192 rows, as a file is read.
//!
//! The rows are made up part by part, so that no more than a part is in memory; making them is not counted.
#![expect(clippy::print_stdout, reason = "a measurement for people")]

use std::time::{Duration, Instant};

use hpipe_core::{Column, Profile, ProfiledInput, Table, Type};
use hpipe_monitor::{Sketch, Window};
use rayon::prelude::*;

/// Rows of a part.
const PART: usize = 8_192;

/// Sums of three uniform numbers: near enough to normal for a measurement.
fn numbers(seed: u64, rows: usize) -> Vec<f64> {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut unit = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        (x >> 11) as f64 * 2.0_f64.powi(-53)
    };
    (0..rows).map(|_| unit() + unit() + unit()).collect()
}

fn profile(columns: usize) -> Profile {
    let input = |place: usize| ProfiledInput {
        name: format!("c{place}"),
        kind: Type::Number,
        missing: 0,
        range: None,
        mean: None,
        quantiles: Sketch::of_sample(&numbers(place as u64 + 1, 10_000), 33)
            .map(|sketch| sketch.quantiles().to_vec())
            .unwrap_or_default(),
        categories: Vec::new(),
        others: 0,
    };
    Profile {
        train_rows: 10_000,
        inputs: (0..columns).into_par_iter().map(input).collect(),
        ..Profile::default()
    }
}

fn part(columns: usize, number: u64, rows: usize) -> Table {
    let column = |place: usize| {
        let seed = number.wrapping_mul(1_000_003) + place as u64;
        let moved = if place.is_multiple_of(100) { 0.2 } else { 0.0 };
        let values = numbers(seed, rows).into_iter().map(|x| Some(x + moved));
        Column::number(format!("c{place}"), values.collect())
    };
    let columns = (0..columns).into_par_iter().map(column).collect();
    Table::new(columns).unwrap_or_default()
}

fn main() {
    let mut words = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok());
    let (columns, rows) = (
        words.next().unwrap_or(1000),
        words.next().unwrap_or(1_000_000),
    );
    let mut window = Window::new(&profile(columns));
    let mut counted = Duration::ZERO;
    for (number, from) in (0..rows).step_by(PART).enumerate() {
        let part = part(columns, number as u64, PART.min(rows - from));
        let begun = Instant::now();
        window.count_inputs(&part);
        counted += begun.elapsed();
    }
    let begun = Instant::now();
    let drift = window.judge(0.01);
    let judged = begun.elapsed();
    let found = drift
        .iter()
        .filter(|drift| drift.severity.is_some())
        .count();
    println!(
        "{columns} columns x {rows} rows: counted in {:.2} s, judged in {:.3} s, {found} columns drifted",
        counted.as_secs_f64(),
        judged.as_secs_f64()
    );
}
