//! Runs every sampler on the test functions and prints the best values, for `benches/tune.py` to set beside Optuna's.
//!
//! Usage: `cargo run --release -p hpipe-tune --example quality -- SEEDS`. A line is
//! `FUNCTION SAMPLER SEED BEST_OF_50 BEST_OF_100 MICROSECONDS_PER_TRIAL`.
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::time::Instant;

#[path = "../tests/functions/mod.rs"]
mod functions;

use functions::{FUNCTIONS, best, values};

/// Names of the bench's columns, and the settings that make them.
const SAMPLERS: [(&str, &str); 5] = [
    ("tpe", r#""sampler": "tpe", "concurrency": 1"#),
    ("tpe-4", r#""sampler": "tpe", "concurrency": 4"#),
    ("tpe-8", r#""sampler": "tpe", "concurrency": 8"#),
    ("random", r#""sampler": "random""#),
    ("qmc", r#""sampler": "qmc""#),
];

fn main() {
    let seeds = std::env::args().nth(1).and_then(|seeds| seeds.parse().ok());
    for function in &FUNCTIONS {
        for (name, settings) in SAMPLERS {
            for seed in 0..seeds.unwrap_or(20_u64) {
                let settings = format!(r#"{settings}, "seed": {seed}, "trials": 100"#);
                let begin = Instant::now();
                let values = values(function, &settings);
                let micros = begin.elapsed().as_secs_f64() * 1e4;
                let (half, whole) = (best(&values, 50), best(&values, 100));
                println!(
                    "{} {name} {seed} {half:e} {whole:e} {micros:.1}",
                    function.name
                );
            }
        }
    }
}
