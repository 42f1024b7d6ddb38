//! What the server says of itself.

use std::sync::atomic::Ordering;

use hpipe_core::Input;
use serde_json::{Value, json};

use crate::lineup::{Lineup, Served};

/// What answers, and with which program.
pub(crate) fn version(served: &Served) -> Value {
    json!({
        "hpipe": env!("CARGO_PKG_VERSION"),
        "model": served.name,
        "version": served.version.to_string(),
        "digest": served.digest.to_string(),
    })
}

/// Everything that is served.
pub(crate) fn models(lineup: &Lineup) -> Value {
    let all = lineup.roles();
    let all = all.map(|(served, role, share)| described(served, role, share));
    json!({"models": all.collect::<Vec<_>>()})
}

fn described(served: &Served, role: &str, share: f64) -> Value {
    let card = served.predictor.card();
    json!({
        "name": served.name,
        "version": served.version.to_string(),
        "role": role,
        "share": share,
        "stage": served.stage,
        "digest": served.digest.to_string(),
        "since": served.since,
        "kind": card.kind,
        "target": card.target,
        "inputs": card.inputs.iter().map(input).collect::<Vec<_>>(),
        "rows": served.metrics.rows.load(Ordering::Relaxed),
    })
}

fn input(input: &Input) -> Value {
    let mut told = json!({
        "name": input.name,
        "type": input.kind.name(),
        "nullable": input.nullable,
    });
    if let Some([least, most]) = input.range {
        told["range"] = json!([least, most]);
    }
    if !input.categories.is_empty() {
        told["categories"] = json!(input.categories);
    }
    told
}
