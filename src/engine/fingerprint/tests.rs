//! Every input changes the key and is named as a reason; nothing else does.

use hpipe_core::{Mapping, Reason, ReasonKind};
use hpipe_store::{LockEntry, LockOut};
use proptest::prelude::*;

use super::*;
use crate::lock_entry::lock_entry;
use crate::reasons::differences;

fn content(byte: u8) -> Content {
    Content::file(Digest::blake3([byte; 32]), 10, false)
}

fn dep(path: &str, role: Option<&str>, byte: u8) -> DepInput {
    DepInput {
        path: ProjectPath::new(path),
        role: role.map(str::to_owned),
        content: content(byte),
    }
}

fn out(path: &str, kind: OutKind) -> OutInput {
    OutInput {
        path: ProjectPath::new(path),
        role: None,
        kind,
        persist: false,
    }
}

fn param(file: &str, values: &[(&str, Value)]) -> ParamInput {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    ParamInput {
        file: ProjectPath::new(file),
        values,
    }
}

fn base() -> Fingerprint {
    Fingerprint {
        action: ActionInput::Command(vec!["make it".into()]),
        shell: None,
        wdir: ProjectPath::root(),
        env: BTreeMap::from([("SEED".into(), Some("1".into()))]),
        deps: vec![dep("a", None, 1), dep("b", None, 2)],
        params: vec![param(
            "params.yaml",
            &[("lr", Value::Float(0.1)), ("layers", Value::Int(3))],
        )],
        outs: vec![out("x", OutKind::Out), out("m", OutKind::Metric)],
    }
}

fn builtin(version: u32, alpha: Value) -> ActionInput {
    let with = Mapping::from_iter([("alpha".to_owned(), alpha)]);
    ActionInput::Builtin {
        name: "train".into(),
        version,
        with,
    }
}

/// What the lock file says after an execution with these inputs.
fn recorded(inputs: &Fingerprint) -> LockEntry {
    let out = |out: &OutInput| LockOut {
        path: out.path.clone(),
        role: out.role.clone(),
        kind: out.kind.section().to_owned(),
        cached: true,
        persist: out.persist,
        content: content(9),
    };
    lock_entry(inputs, inputs.outs.iter().map(out).collect())
}

type Edit = fn(&mut Fingerprint);

/// Each input of the table in the module's header, changed one at a time, and the reason that must name it.
const CHANGES: &[(ReasonKind, Edit)] = &[
    (ReasonKind::Cmd, |f| {
        f.action = ActionInput::Command(vec!["make it differently".into()])
    }),
    (ReasonKind::Cmd, |f| {
        f.action = ActionInput::Command(vec!["make it".into(), "again".into()])
    }),
    (ReasonKind::Builtin, |f| {
        f.action = builtin(1, Value::Int(1))
    }),
    (ReasonKind::Wdir, |f| f.wdir = ProjectPath::new("sub")),
    (ReasonKind::Env, |f| {
        f.env = BTreeMap::from([("SEED".into(), Some("2".into()))])
    }),
    (ReasonKind::Env, |f| {
        f.env = BTreeMap::from([("SEED".into(), None)])
    }),
    (ReasonKind::Env, |f| f.env.clear()),
    (ReasonKind::DepChanged, |f| f.deps[0].content = content(3)),
    (ReasonKind::DepChanged, |f| {
        f.deps[0].content.executable = true
    }),
    (ReasonKind::DepAdded, |f| f.deps.push(dep("c", None, 1))),
    (ReasonKind::DepRemoved, |f| f.deps.truncate(1)),
    (ReasonKind::ParamChanged, |f| {
        f.params[0].values[0].1 = Value::Float(0.2)
    }),
    (ReasonKind::ParamChanged, |f| {
        f.params[0].values[1].1 = Value::Text("3".into())
    }),
    (ReasonKind::ParamAdded, |f| {
        f.params
            .push(param("other.yaml", &[("lr", Value::Float(0.1))]))
    }),
    (ReasonKind::ParamRemoved, |f| f.params[0].values.truncate(1)),
    (ReasonKind::OutAdded, |f| {
        f.outs.push(out("y", OutKind::Out))
    }),
    (ReasonKind::OutAdded, |f| f.outs[0].kind = OutKind::Plot),
    (ReasonKind::OutAdded, |f| f.outs[0].persist = true),
    (ReasonKind::OutRemoved, |f| f.outs.truncate(1)),
];

/// Other ways to say the same.
const SAME: &[Edit] = &[
    |f| f.deps.reverse(),
    |f| f.outs.reverse(),
    |f| f.params[0].values.reverse(),
    |f| f.params[0].values[1].1 = Value::Float(3.0),
    |f| f.deps.push(f.deps[0].clone()),
    |f| {
        let lr = f.params[0].values.remove(0);
        f.params.push(ParamInput {
            file: f.params[0].file.clone(),
            values: vec![lr],
        });
    },
];

#[test]
fn every_input_changes_the_key_and_is_the_reason() {
    let before = base();
    for (i, (kind, edit)) in CHANGES.iter().enumerate() {
        let mut after = before.clone();
        edit(&mut after);
        assert_ne!(before.key(), after.key(), "change {i}");
        let kinds: Vec<_> = differences(&recorded(&before), &after)
            .into_iter()
            .map(|reason| reason.kind)
            .collect();
        assert!(kinds.contains(kind), "change {i}: {kinds:?}");
    }
}

#[test]
fn other_ways_to_say_the_same_change_nothing() {
    let before = base();
    for (i, edit) in SAME.iter().enumerate() {
        let mut after = before.clone();
        edit(&mut after);
        assert_eq!(before.key(), after.key(), "edit {i}");
        assert_eq!(differences(&recorded(&before), &after), [], "edit {i}");
    }
}

#[test]
fn a_builtin_is_known_by_version_options_and_roles() {
    let with_action = |action| Fingerprint { action, ..base() };
    let before = with_action(builtin(1, Value::Int(1)));
    let newer = with_action(builtin(2, Value::Int(1)));
    let other = with_action(builtin(1, Value::Float(0.5)));
    assert_ne!(before.key(), newer.key());
    assert_ne!(before.key(), other.key());
    let reason = Reason::changed(
        ReasonKind::Builtin,
        "alpha",
        Value::Int(1),
        Value::Float(0.5),
    );
    assert_eq!(differences(&recorded(&before), &other), [reason]);
}

#[test]
fn swapped_roles_and_reordered_models_are_other_inputs() {
    let with_deps = |deps| Fingerprint { deps, ..base() };
    let before = with_deps(vec![dep("a", Some("train"), 1), dep("b", Some("test"), 2)]);
    let swapped = with_deps(vec![dep("a", Some("test"), 1), dep("b", Some("train"), 2)]);
    assert_ne!(before.key(), swapped.key());
    assert!(!differences(&recorded(&before), &swapped).is_empty());

    let models = with_deps(vec![
        dep("a", Some("models"), 1),
        dep("b", Some("models"), 2),
    ]);
    let turned = with_deps(vec![
        dep("b", Some("models"), 2),
        dep("a", Some("models"), 1),
    ]);
    assert_ne!(models.key(), turned.key());
    assert!(!differences(&recorded(&models), &turned).is_empty());
}

/// The encoding is laid down: a key that hpipe computed once, it computes for ever.
#[test]
fn the_encoding_does_not_change() {
    insta::assert_snapshot!(base().key(), @"blake3:3d9e184dba68be001da91321b61b6f4ee42a862917de39b9a29d1ab103b88b90");
    let mut builtin_stage = base();
    builtin_stage.action = builtin(
        1,
        Value::List(vec![Value::Null, Value::Bool(true), Value::Float(0.5)]),
    );
    insta::assert_snapshot!(builtin_stage.key(), @"blake3:910ec97ba5d51482d4f23f382bae1ad015e5d1ff6b1dd4b4a4ce32239d4548c9");
}

fn edits() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..CHANGES.len() + SAME.len(), 0..6)
}

/// Applies the edits one after the other; one that asks for what a former one removed does nothing.
fn edited(edits: &[usize]) -> Fingerprint {
    let mut fingerprint = base();
    for edit in edits {
        if fingerprint.params[0].values.len() > 1
            && fingerprint.deps.len() > 1
            && fingerprint.outs.len() > 1
        {
            match edit.checked_sub(CHANGES.len()) {
                Some(same) => SAME[same](&mut fingerprint),
                None => CHANGES[*edit].1(&mut fingerprint),
            }
        }
    }
    // A path that is a dep twice has one content.
    for i in 0..fingerprint.deps.len() {
        let path = fingerprint.deps[i].path.clone();
        let first = fingerprint
            .deps
            .iter()
            .find(|dep| dep.path == path)
            .map(|dep| dep.content);
        fingerprint.deps[i].content = first.unwrap_or(fingerprint.deps[i].content);
    }
    fingerprint
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A key differs exactly when there are reasons.
    #[test]
    fn keys_and_reasons_agree(one in edits(), other in edits()) {
        let (one, other) = (edited(&one), edited(&other));
        prop_assert_eq!(one.key() == other.key(), differences(&recorded(&one), &other).is_empty());
    }
}
