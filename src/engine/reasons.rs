//! Why a stage is not what the lock file recorded: the difference of two fingerprints, in words.
//!
//! A stage key differs exactly when these reasons are not empty; the property test beside `fingerprint` holds the two
//! together.

use std::collections::BTreeMap;

use hpipe_core::{Content, Mapping, ProjectPath, Reason, ReasonKind, Value};
use hpipe_store::{LockAction, LockEntry};

use crate::fingerprint::{ActionInput, Fingerprint};

/// Lists how `now` differs from what `recorded` says of the last known execution.
pub(crate) fn differences(recorded: &LockEntry, now: &Fingerprint) -> Vec<Reason> {
    let mut reasons = Vec::new();
    action(&recorded.action, &now.action, &mut reasons);
    wdir(&recorded.wdir, &now.wdir, &mut reasons);
    env(&recorded.env, &now.env, &mut reasons);
    deps(recorded, now, &mut reasons);
    params(recorded, now, &mut reasons);
    outs(recorded, now, &mut reasons);
    reasons
}

fn action(old: &LockAction, new: &ActionInput, reasons: &mut Vec<Reason>) {
    match (old, new) {
        (LockAction::Cmd(old), ActionInput::Command(new)) => {
            if old != new {
                reasons.push(changed_text(
                    ReasonKind::Cmd,
                    None,
                    &old.join("\n"),
                    &new.join("\n"),
                ));
            }
        }
        (
            LockAction::Builtin {
                name: old_name,
                version: old_version,
                with: old_with,
            },
            ActionInput::Builtin {
                name,
                version,
                with,
            },
        ) => {
            if (old_name, old_version) != (name, version) {
                let words = |name: &str, version: &u32| format!("{name} {version}");
                let (old, new) = (words(old_name, old_version), words(name, version));
                reasons.push(changed_text(ReasonKind::Builtin, Some("uses"), &old, &new));
            }
            options(old_with, with, reasons);
        }
        (LockAction::Cmd(_), ActionInput::Builtin { name, .. }) => {
            reasons.push(Reason::about(ReasonKind::Builtin, name.clone()));
        }
        (LockAction::Builtin { .. }, ActionInput::Command(_)) => {
            reasons.push(Reason::plain(ReasonKind::Cmd))
        }
    }
}

fn options(old: &Mapping, new: &Mapping, reasons: &mut Vec<Reason>) {
    let (old, new) = (Value::Map(old.clone()), Value::Map(new.clone()));
    for (name, old, new) in changed_leaves(&old, &new) {
        reasons.push(Reason::changed(ReasonKind::Builtin, name, old, new));
    }
}

/// Leaves that differ, each with both values; null stands for a leaf that is not there.
fn changed_leaves(old: &Value, new: &Value) -> Vec<(String, Value, Value)> {
    let side = |value: &Value| -> BTreeMap<String, Value> {
        value
            .leaves()
            .into_iter()
            .map(|(path, leaf)| (path, leaf.clone()))
            .collect()
    };
    let (old, new) = (side(old), side(new));
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path))
        .filter(|path| !is_filled(path, &old) && !is_filled(path, &new))
        .map(|path| {
            let leaf = |side: &BTreeMap<String, Value>| side.get(path).cloned().unwrap_or_default();
            (path.clone(), leaf(&old), leaf(&new))
        })
        .collect()
}

/// Whether `path`, an empty mapping on the other side, has leaves below it on this one: these tell all there is to tell.
fn is_filled(path: &str, side: &BTreeMap<String, Value>) -> bool {
    let lies_below = |leaf: &String| {
        let below = leaf.strip_prefix(path);
        below.is_some_and(|below| path.is_empty() && !below.is_empty() || below.starts_with('.'))
    };
    side.keys().any(lies_below)
}

fn wdir(old: &ProjectPath, new: &ProjectPath, reasons: &mut Vec<Reason>) {
    if old != new {
        reasons.push(changed_text(
            ReasonKind::Wdir,
            None,
            old.as_str(),
            new.as_str(),
        ));
    }
}

fn env(
    old: &BTreeMap<String, Option<String>>,
    new: &BTreeMap<String, Option<String>>,
    reasons: &mut Vec<Reason>,
) {
    let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
    {
        let value = |side: Option<&Option<String>>| {
            side.cloned().flatten().map_or(Value::Null, Value::Text)
        };
        reasons.push(Reason::changed(
            ReasonKind::Env,
            name.clone(),
            value(old.get(name)),
            value(new.get(name)),
        ));
    }
}

fn deps(recorded: &LockEntry, now: &Fingerprint, reasons: &mut Vec<Reason>) {
    let place = |role: &Option<String>, path: &ProjectPath| (role.clone(), path.clone());
    let old: BTreeMap<_, _> = recorded
        .deps
        .iter()
        .map(|dep| (place(&dep.role, &dep.path), dep.content))
        .collect();
    let new: BTreeMap<_, _> = now
        .deps
        .iter()
        .map(|dep| (place(&dep.role, &dep.path), dep.content))
        .collect();
    let before = reasons.len();
    for (place, content) in &new {
        match old.get(place) {
            None => reasons.push(Reason::about(ReasonKind::DepAdded, place.1.as_str())),
            Some(former) if !former.same(content) => {
                reasons.push(changed_content(
                    ReasonKind::DepChanged,
                    &place.1,
                    former,
                    content,
                ));
            }
            Some(_) => {}
        }
    }
    for place in old.keys().filter(|place| !new.contains_key(place)) {
        reasons.push(Reason::about(ReasonKind::DepRemoved, place.1.as_str()));
    }
    if reasons.len() == before {
        reordered_deps(recorded, now, reasons);
    }
}

/// Within a role that takes many the order is meant, so another order is another input.
fn reordered_deps(recorded: &LockEntry, now: &Fingerprint, reasons: &mut Vec<Reason>) {
    let in_role = |role: &Option<String>| -> Vec<&ProjectPath> {
        recorded
            .deps
            .iter()
            .filter(|dep| dep.role == *role)
            .map(|dep| &dep.path)
            .collect()
    };
    for (i, dep) in now
        .deps
        .iter()
        .enumerate()
        .filter(|(_, dep)| dep.role.is_some())
    {
        let place = now.deps[..i]
            .iter()
            .filter(|other| other.role == dep.role)
            .count();
        if in_role(&dep.role).get(place) != Some(&&dep.path) {
            reasons.push(Reason::about(
                ReasonKind::DepChanged,
                format!("order of {}", dep.path),
            ));
            return;
        }
    }
}

fn params(recorded: &LockEntry, now: &Fingerprint, reasons: &mut Vec<Reason>) {
    let old: BTreeMap<_, _> = recorded
        .params
        .iter()
        .flat_map(|p| {
            p.values
                .iter()
                .map(|(name, value)| ((&p.file, name), value))
        })
        .collect();
    let new: BTreeMap<_, _> = now
        .params
        .iter()
        .flat_map(|p| {
            p.values
                .iter()
                .map(|(name, value)| ((&p.file, name), value))
        })
        .collect();
    for ((file, name), value) in &new {
        match old.get(&(*file, *name)) {
            None => reasons.push(Reason::about(
                ReasonKind::ParamAdded,
                param_name(file, name),
            )),
            Some(former) if former != value => changed_param(file, name, former, value, reasons),
            Some(_) => {}
        }
    }
    for (file, name) in old.keys().filter(|place| !new.contains_key(place)) {
        reasons.push(Reason::about(
            ReasonKind::ParamRemoved,
            param_name(file, name),
        ));
    }
}

fn changed_param(
    file: &ProjectPath,
    name: &str,
    old: &Value,
    new: &Value,
    reasons: &mut Vec<Reason>,
) {
    for (leaf, old, new) in changed_leaves(old, new) {
        let name = match (name.is_empty(), leaf.is_empty()) {
            (true, _) => leaf,
            (_, true) => name.to_owned(),
            _ => format!("{name}.{leaf}"),
        };
        reasons.push(Reason::changed(
            ReasonKind::ParamChanged,
            param_name(file, &name),
            old,
            new,
        ));
    }
}

/// Params of the default file go by their name alone, as in DVC.
fn param_name(file: &ProjectPath, name: &str) -> String {
    match (file.file_name(), name) {
        ("params.yaml", name) if !name.is_empty() => name.to_owned(),
        (_, "") => file.to_string(),
        _ => format!("{file}:{name}"),
    }
}

fn outs(recorded: &LockEntry, now: &Fingerprint, reasons: &mut Vec<Reason>) {
    for out in &now.outs {
        let Some(old) = recorded.outs.iter().find(|old| old.path == out.path) else {
            reasons.push(Reason::about(ReasonKind::OutAdded, out.path.as_str()));
            continue;
        };
        let before = flags(&old.kind, old.role.as_deref(), old.persist);
        let after = flags(out.kind.section(), out.role.as_deref(), out.persist);
        if before != after {
            let name = Some(out.path.as_str());
            reasons.push(changed_text(ReasonKind::OutAdded, name, &before, &after));
        }
    }
    for old in recorded
        .outs
        .iter()
        .filter(|old| !now.outs.iter().any(|out| out.path == old.path))
    {
        reasons.push(Reason::about(ReasonKind::OutRemoved, old.path.as_str()));
    }
}

/// What an out is declared as: `outs, persist`.
fn flags(section: &str, role: Option<&str>, persist: bool) -> String {
    let role = role.map_or_else(String::new, |role| format!(", {role}"));
    let persist = if persist { ", persist" } else { "" };
    format!("{section}{role}{persist}")
}

fn changed_text(kind: ReasonKind, name: Option<&str>, old: &str, new: &str) -> Reason {
    Reason {
        kind,
        name: name.map(str::to_owned),
        old: Some(old.into()),
        new: Some(new.into()),
    }
}

/// A path whose content was `old` and is `new`.
pub(crate) fn changed_content(
    kind: ReasonKind,
    path: &ProjectPath,
    old: &Content,
    new: &Content,
) -> Reason {
    let text = |content: &Content| Value::Text(content.digest.to_string());
    Reason::changed(kind, path.as_str(), text(old), text(new))
}
