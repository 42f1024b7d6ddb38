//! What the lock file says of a stage: its fingerprint and outs, in the store's words.

use hpipe_core::Content;
use hpipe_spec::Out;
use hpipe_store::{LockAction, LockDep, LockEntry, LockOut, LockParams};

use crate::fingerprint::{ActionInput, Fingerprint};

/// The entry of a stage with these inputs and outs.
pub(crate) fn lock_entry(inputs: &Fingerprint, outs: Vec<LockOut>) -> LockEntry {
    LockEntry {
        key: inputs.key(),
        action: action(&inputs.action),
        wdir: inputs.wdir.clone(),
        env: inputs.env.clone(),
        deps: inputs
            .deps
            .iter()
            .map(|dep| LockDep {
                path: dep.path.clone(),
                role: dep.role.clone(),
                content: dep.content,
            })
            .collect(),
        params: inputs
            .params
            .iter()
            .map(|param| LockParams {
                file: param.file.clone(),
                values: param.values.clone(),
            })
            .collect(),
        outs,
    }
}

fn action(action: &ActionInput) -> LockAction {
    match action {
        ActionInput::Command(scripts) => LockAction::Cmd(scripts.clone()),
        ActionInput::Builtin {
            name,
            version,
            with,
        } => LockAction::Builtin {
            name: name.clone(),
            version: *version,
            with: with.clone(),
        },
    }
}

/// An out as declared, with what was made there.
pub(crate) fn lock_out(declared: &Out, content: Content) -> LockOut {
    LockOut {
        path: declared.path.clone(),
        role: declared.role.as_ref().map(|role| role.name.clone()),
        kind: declared.kind.section().to_owned(),
        cached: declared.cache,
        persist: declared.persist,
        content,
    }
}
