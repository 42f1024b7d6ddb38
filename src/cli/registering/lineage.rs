//! The closed set that made the outs of a stage, as the lock file tells it.

use std::collections::{BTreeMap, BTreeSet};

use hpipe_core::{Content, ContentKind, ProjectPath, StageName};
use hpipe_engine::{CodeVersion, Workspace};
use hpipe_store::{LockAction, LockEntry, LockFile};
use hpipe_track::registry::{Action, Code, LINEAGE_VERSION, Lineage, Made, Source, StageLineage};
use serde_json::Value as Json;

use crate::error::Error;
use crate::json::value_of;

/// Everything upstream of `stage` and the stage itself, down to what no stage makes.
pub(crate) fn lineage_of(workspace: &Workspace, stage: &StageName) -> Result<Lineage, Error> {
    let lock = workspace.read_lock()?;
    let names = upstream(workspace, stage);
    let stages = names
        .iter()
        .filter_map(|name| Some((name, lock.stages.get(name)?)));
    let stages: BTreeMap<_, _> = stages
        .map(|(name, entry)| (name.to_string(), of_stage(entry)))
        .collect();
    let code = CodeVersion::of(&workspace.location().root);
    Ok(Lineage {
        v: LINEAGE_VERSION,
        hpipe: env!("CARGO_PKG_VERSION").to_owned(),
        code: code.map(|code| Code {
            commit: code.commit,
            dirty: code.is_dirty,
        }),
        stage: stage.to_string(),
        texts: texts_of(workspace).iter().map(of_text).collect(),
        sources: sources(&lock, &names, workspace),
        stages,
    })
}

/// The texts of the pipeline and of its params, as they are.
pub(crate) fn texts_of(workspace: &Workspace) -> Vec<(ProjectPath, String)> {
    let pipeline = workspace.pipeline();
    let files = workspace.files().iter().map(|file| file.path.clone());
    let params = pipeline.stages.iter().flat_map(|stage| &stage.params);
    let paths: BTreeSet<_> = files
        .chain(pipeline.read.iter().cloned())
        .chain(params.map(|param| param.file.clone()))
        .filter(|path| !path.is_outside())
        .collect();
    let texts = paths.into_iter().filter_map(|path| {
        let text = workspace.read_text(&path).ok().flatten()?;
        Some((path, text))
    });
    texts.collect()
}

fn of_text((path, text): &(ProjectPath, String)) -> Source {
    Source {
        path: path.to_string(),
        digest: hpipe_store::hash_bytes(text.as_bytes()),
        size: text.len() as u64,
        folder: None,
        executable: false,
    }
}

/// A stage, and all it needs, however far away.
fn upstream(workspace: &Workspace, stage: &StageName) -> BTreeSet<StageName> {
    let graph = workspace.graph();
    let mut ahead: Vec<_> = graph.find(stage.as_str()).into_iter().collect();
    let mut found: BTreeSet<_> = ahead.iter().copied().collect();
    while let Some(stage) = ahead.pop() {
        for need in graph.needs(stage) {
            if found.insert(need) {
                ahead.push(need);
            }
        }
    }
    let names = found
        .into_iter()
        .map(|stage| workspace.stage(stage).name.clone());
    names.collect()
}

/// What the stages read and no stage makes.
fn sources(lock: &LockFile, names: &BTreeSet<StageName>, workspace: &Workspace) -> Vec<Source> {
    let entries = names.iter().filter_map(|name| lock.stages.get(name));
    let deps = entries.flat_map(|entry| &entry.deps);
    let is_made = |path: &ProjectPath| workspace.graph().makers(path).next().is_some();
    let read = deps.filter(|dep| !is_made(&dep.path));
    let read: BTreeMap<_, _> = read.map(|dep| (dep.path.as_str(), dep.content)).collect();
    let read = read.into_iter();
    read.map(|(path, content)| source(path, &content)).collect()
}

fn source(path: &str, content: &Content) -> Source {
    let is_folder = content.kind == ContentKind::Folder;
    Source {
        path: path.to_owned(),
        digest: content.digest,
        size: content.size,
        folder: is_folder.then_some((content.files, content.object_size)),
        executable: content.executable,
    }
}

fn of_stage(entry: &LockEntry) -> StageLineage {
    let params = entry.params.iter().map(|file| {
        let values = file.values.iter();
        let values = values.map(|(name, value)| (name.clone(), value_of(value)));
        (file.file.to_string(), values.collect())
    });
    StageLineage {
        key: entry.key,
        action: match &entry.action {
            LockAction::Cmd(lines) => Action::Cmd(lines.clone()),
            LockAction::Builtin {
                name,
                version,
                with,
            } => Action::Builtin {
                uses: name.clone(),
                version: *version,
                with: Json::Object(
                    with.iter()
                        .map(|(key, value)| (key.to_owned(), value_of(value)))
                        .collect(),
                ),
            },
        },
        env: entry.env.clone(),
        deps: entry
            .deps
            .iter()
            .map(|dep| source(dep.path.as_str(), &dep.content))
            .collect(),
        params: params.collect(),
        outs: entry
            .outs
            .iter()
            .map(|out| Made {
                path: out.path.to_string(),
                digest: out.content.digest,
            })
            .collect(),
    }
}
