//! What the server says of itself.

use std::sync::atomic::Ordering;

use hpipe_core::Input;
use serde_json::{Value, json};

use crate::app::App;
use crate::lineup::Served;

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
pub(crate) fn models(app: &App) -> Value {
    json!({"models": [described(&app.primary())]})
}

fn described(served: &Served) -> Value {
    let card = served.predictor.card();
    json!({
        "name": served.name,
        "version": served.version.to_string(),
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
