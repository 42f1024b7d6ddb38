//! Explains rows by a model of XGBoost and prints what it took; `benches/explain.py` calls it, XGBoost and shap.
//!
//! `explain_bench MODEL RECORDS FEATURES REPEATS`: the trees of XGBoost's JSON (numeric features), rows of little-endian
//! doubles. Prints a JSON object: CPU seconds to prepare and, of the fastest repeat, to explain; the values of all rows.

#![allow(clippy::print_stdout, reason = "this is its purpose")]

#[path = "../tests/support/mod.rs"]
mod support;

use hpipe_learn::explain::TreeExplainer;
use hpipe_learn::tree::FeatureKind;
use ndarray::Array2;
use rustix::time::{ClockId, clock_gettime};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("MODEL RECORDS FEATURES REPEATS");
    let model = serde_json::from_slice(&std::fs::read(next()?)?)?;
    let bytes = std::fs::read(next()?)?;
    let features: usize = next()?.parse()?;
    let repeats: usize = next()?.parse()?;
    let values = bytes
        .chunks_exact(8)
        .map(|eight| f64::from_le_bytes(std::array::from_fn(|i| eight[i])));
    let records = Array2::from_shape_vec((bytes.len() / 8 / features, features), values.collect())?;
    let ensemble = support::forest::xgboost(&model, &vec![FeatureKind::Numeric; features]);
    let start = cpu_seconds();
    let explainer = TreeExplainer::new(&ensemble);
    let prepared = cpu_seconds() - start;
    let (mut best, mut explained) = (f64::INFINITY, None);
    for _ in 0..repeats {
        let start = cpu_seconds();
        explained = Some(explainer.explain(records.view()));
        best = best.min(cpu_seconds() - start);
    }
    let explained = explained.ok_or("no repeats")?;
    let values = explained.values.into_raw_vec_and_offset().0;
    println!(
        "{{\"prepare\": {prepared:e}, \"seconds\": {best:e}, \"expected\": {}, \"values\": {values:?}}}",
        explained.expected
    );
    Ok(())
}

/// What this process has used of the processors so far.
fn cpu_seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}
