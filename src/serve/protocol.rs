//! The inference protocols of KServe: V1, and the Open Inference Protocol V2. One model is served, under its own name.

use hpipe_core::Type;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::lineup::{Lineup, Served};
use crate::route::Named;

/// Whether the path means the version that answers.
pub(crate) fn is_served(served: &Served, named: &Named) -> bool {
    let version = named.version.as_ref();
    named.model == served.name
        && version.is_none_or(|version| *version == served.version.to_string())
}

/// The words for a model that is not served here.
pub(crate) fn absent(lineup: &Lineup, named: &Named) -> Value {
    let version = named
        .version
        .as_deref()
        .map(|version| format!(", version {version}"));
    let asked: String = format!("{}{}", named.model, version.unwrap_or_default());
    let asked: String = asked.chars().take(200).collect();
    let served: Vec<String> = lineup.answering().map(|served| served.title()).collect();
    let verb = if served.len() == 1 { "is" } else { "are" };
    let served = served.join(", ");
    json!({"error": format!("there is no model {asked} here; {served} {verb} served")})
}

/// The server, in V2.
pub(crate) fn server() -> Value {
    json!({"name": "hpipe", "version": env!("CARGO_PKG_VERSION"), "extensions": []})
}

/// How the model is, in V1.
pub(crate) fn v1_model(served: &Served) -> Value {
    json!({"name": served.name, "ready": true})
}

/// The model, in V2.
pub(crate) fn v2_model(lineup: &Lineup, served: &Served) -> Value {
    let versions = lineup.answering().map(|served| served.version.to_string());
    let inputs = served.shape.inputs.iter();
    let inputs = inputs.map(|input| tensor(&input.name, datatype(input.kind)));
    json!({
        "name": served.name,
        "versions": versions.collect::<Vec<_>>(),
        "platform": format!("hpipe_{}", served.predictor.card().kind),
        "inputs": inputs.collect::<Vec<_>>(),
        "outputs": [tensor(&served.shape.target, "FP64")],
    })
}

fn tensor(name: &str, datatype: &str) -> Value {
    json!({"name": name, "datatype": datatype, "shape": [-1]})
}

const fn datatype(kind: Type) -> &'static str {
    match kind {
        Type::Number => "FP64",
        Type::Integer => "INT64",
        Type::Text => "BYTES",
        Type::Boolean => "BOOL",
    }
}

/// Predictions, in V2.
pub(crate) fn v2_answer(served: &Served, id: Option<&str>, predictions: &[f64]) -> Value {
    let mut output = tensor(&served.shape.target, "FP64");
    output["shape"] = json!([predictions.len()]);
    output["data"] = json!(predictions);
    let mut answer = json!({
        "model_name": served.name,
        "model_version": served.version.to_string(),
        "outputs": [output],
    });
    if let Some(id) = id {
        answer["id"] = json!(id);
    }
    answer
}

/// A fault in the protocols' words: the first thing that is wrong, and where.
pub(crate) fn fault(fault: &Fault) -> Value {
    let Some(first) = fault.details.first.first() else {
        return json!({"error": "the request cannot be answered"});
    };
    let steps = first.loc.iter().map(|step| json!(step));
    let place: Vec<String> = steps
        .map(|step| step.to_string().trim_matches('"').to_owned())
        .collect();
    let more = match fault.details.count {
        0 | 1 => String::new(),
        count => format!("; {} more", count - 1),
    };
    json!({"error": format!("{}: {}{more}", place.join("."), first.msg)})
}
