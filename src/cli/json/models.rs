//! What `models --json` prints: docs/formats/events.md.

use hpipe_track::ledger::{
    HistoryEvent, ModelVersion, Pair, Promoted, Registered, RolledBack, Stage, Tenure,
};
use hpipe_track::registry::Check;
use serde_json::{Map, Value as Json, json};

use super::{VERSION, line};
use crate::ui::{ComparedVersion, Evidence, Reproduced, ShownModel, ShownVersion, VersionDiff};

/// An object on one line that begins as all do.
fn versioned(object: &Json) -> String {
    let text = line(object);
    let rest = text.strip_prefix('{').unwrap_or(&text);
    format!("{{\"v\":{VERSION},{rest}")
}

fn pairs(pairs: &[Pair]) -> Json {
    let pairs = pairs
        .iter()
        .map(|pair| (pair.key.clone(), Json::from(pair.value.as_str())));
    Json::Object(pairs.collect())
}

fn model_object(shown: &ShownModel) -> Json {
    let aliases = shown.model.aliases.iter();
    let aliases = aliases.map(|(alias, version)| (alias.clone(), Json::from(*version)));
    json!({
        "name": shown.model.name,
        "description": shown.model.description,
        "created": shown.model.created,
        "updated": shown.model.updated,
        "tags": pairs(&shown.model.tags),
        "aliases": Json::Object(aliases.collect()),
        "versions": shown.versions.iter().map(version_object).collect::<Vec<_>>(),
    })
}

fn tenure(tenure: &Tenure) -> Json {
    json!({"version": tenure.version, "stage": tenure.stage, "from": tenure.from, "to": tenure.to})
}

/// A version as all commands write it.
pub(crate) fn version_object(shown: &ShownVersion) -> Json {
    let version = &shown.version;
    let known = shown.registration.as_ref();
    json!({
        "name": version.name,
        "version": version.version,
        "stage": version.stage,
        "aliases": version.aliases,
        "tags": pairs(&version.tags),
        "description": version.description,
        "created": version.created,
        "updated": version.updated,
        "user": version.user,
        "run": version.run_id,
        "source": version.source,
        "tenures": shown.tenures.iter().map(tenure).collect::<Vec<_>>(),
        "registration": known.map(|known| known.digest),
        "record": known.map(|known| &known.record),
        "lineage": known.and_then(|known| known.lineage.as_ref()),
    })
}

/// Encodes registered models.
pub(crate) fn models(models: &[ShownModel]) -> String {
    let models: Vec<_> = models.iter().map(model_object).collect();
    versioned(&json!({"models": models}))
}

/// Encodes a registered model.
pub(crate) fn model(shown: &ShownModel) -> String {
    versioned(&json!({"model": model_object(shown)}))
}

/// Encodes a version.
pub(crate) fn model_version(shown: &ShownVersion) -> String {
    versioned(&json!({"version": version_object(shown)}))
}

/// Encodes what happened to a model or version.
pub(crate) fn model_history(name: &str, events: &[HistoryEvent], tenures: &[Tenure]) -> String {
    let events: Vec<_> = events
        .iter()
        .map(|event| {
            let gates = event.gates.as_deref();
            let gates: Option<Json> = gates.and_then(|text| serde_json::from_str(text).ok());
            json!({
                "version": event.version, "event": event.event, "from": event.from_stage, "to": event.to_stage,
                "at": event.at, "user": event.user, "reason": event.reason, "forced": event.is_forced, "gates": gates,
            })
        })
        .collect();
    let tenures: Vec<_> = tenures.iter().map(tenure).collect();
    versioned(&json!({"model": name, "events": events, "tenures": tenures}))
}

fn promotion(promoted: &Promoted) -> Json {
    let checks: &[Check] = &promoted.checks;
    json!({
        "stage": promoted.stage.name(), "moved": promoted.is_moved, "archived": promoted.archived, "gates": checks,
    })
}

/// Encodes what came of a registration, by a stage or by hand.
pub(crate) fn registered(stage: Option<&str>, name: &str, registered: &Registered) -> String {
    let promoted = registered.promoted.as_ref().map(promotion);
    versioned(&json!({
        "event": "registered", "stage": stage, "model": name, "version": registered.version,
        "new": registered.is_new, "deleted": registered.is_deleted, "promoted": promoted,
    }))
}

/// Encodes what came of a promotion.
pub(crate) fn promoted(found: &ModelVersion, promoted: &Promoted) -> String {
    let promotion = promotion(promoted);
    versioned(&json!({"model": found.name, "version": found.version, "promoted": promotion}))
}

/// Encodes what came of a way back.
pub(crate) fn rolled_back(name: &str, stage: &Stage, done: &RolledBack) -> String {
    versioned(&json!({
        "model": name, "stage": stage.name(), "version": done.version, "left": done.left,
    }))
}

fn metrics(version: &ComparedVersion) -> Json {
    let metrics = version.metrics.iter();
    let metrics: Map<_, _> = metrics
        .map(|(name, value)| (name.clone(), Json::from(*value)))
        .collect();
    json!({"version": version.name, "stage": version.stage, "metrics": metrics})
}

/// Encodes the metrics of versions.
pub(crate) fn compared_versions(versions: &[ComparedVersion]) -> String {
    let versions: Vec<_> = versions.iter().map(metrics).collect();
    versioned(&json!({"versions": versions}))
}

/// Encodes what one version has otherwise than another.
pub(crate) fn version_diff(diff: &VersionDiff) -> String {
    let (old, new) = (metrics(&diff.old), metrics(&diff.new));
    versioned(&json!({"old": old, "new": new, "origins": diff.origins}))
}

/// Encodes how everything stands that a version is made of.
pub(crate) fn verified(version: &str, evidence: &[Evidence]) -> String {
    let whole = evidence.iter().all(|one| one.standing.is_fine());
    versioned(&json!({"version": version, "whole": whole, "evidence": evidence}))
}

/// Encodes what came of making a version anew.
pub(crate) fn reproduced(done: &Reproduced) -> String {
    versioned(&json!({"reproduced": done}))
}

/// The whole registry as a document that changes only where the registry does: sorted, a value a line, no moment but those
/// of promotions. The format is docs/formats/registry.md.
pub(crate) fn registry(models: &[ShownModel]) -> String {
    let models = models.iter().map(|shown| {
        let versions = shown.versions.iter();
        let versions = versions.map(|found| (found.version.version.to_string(), exported(found)));
        let aliases = shown.model.aliases.iter();
        let aliases = aliases.map(|(alias, version)| (alias.clone(), Json::from(*version)));
        let model = json!({
            "description": shown.model.description,
            "tags": pairs(&shown.model.tags),
            "aliases": Json::Object(aliases.collect()),
            "versions": Json::Object(versions.collect()),
        });
        (shown.model.name.clone(), model)
    });
    let whole =
        json!({"format": "hpipe-registry", "version": 1, "models": Json::Object(models.collect())});
    match serde_json::to_string_pretty(&whole) {
        Ok(text) => text + "\n",
        Err(error) => panic!("bug: the registry cannot be written: {error}"),
    }
}

fn exported(shown: &ShownVersion) -> Json {
    let known = shown.registration.as_ref();
    let lineage = known.and_then(|known| known.lineage.as_ref());
    let files = known.map(|known| known.record.files.iter());
    let files = files.map(|files| {
        let singles = files.filter(|file| file.within.is_none());
        singles
            .map(|file| (file.path.clone(), json!(file.digest)))
            .collect::<Map<_, _>>()
    });
    let data = lineage.map(|lineage| {
        let sources = lineage.sources.iter();
        sources
            .map(|source| (source.path.clone(), json!(source.digest)))
            .collect::<Map<_, _>>()
    });
    let tenures = shown.tenures.iter().map(|tenure| {
        let moment = |millis: i64| hpipe_store::readable_time(millis);
        json!({"stage": tenure.stage, "from": moment(tenure.from), "to": tenure.to.map(moment)})
    });
    json!({
        "stage": shown.version.stage,
        "description": shown.version.description,
        "tags": pairs(&shown.version.tags),
        "registered_by": shown.version.user,
        "registration": known.map(|known| known.digest),
        "files": files,
        "metrics": known.map(|known| &known.record.metrics),
        "commit": lineage.and_then(|lineage| lineage.code.as_ref()).map(|code| &code.commit),
        "data": data,
        "tenures": tenures.collect::<Vec<_>>(),
    })
}
