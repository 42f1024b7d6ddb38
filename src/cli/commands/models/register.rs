//! `hpipe models register`: a file becomes a version, with what is known of where it comes from.

use std::path::Path;

use hpipe_core::{Mapping, PortPath, ProjectPath, Value};
use hpipe_engine::Workspace;
use hpipe_track::ledger::NewRegistration;
use hpipe_track::registry::{Lineage, record_of};

use super::{root, user};
use crate::args::ModelsRegister;
use crate::error::{Error, Exit};
use crate::json;
use crate::recording;
use crate::registering::{lineage_of, open_ledger, taken_in, texts_of};
use crate::session::Session;
use crate::ui;

/// Registers a file as a new version, unless there is one of the same files and words.
pub(super) fn register(session: &Session, arguments: &ModelsRegister) -> Result<Exit, Error> {
    let root = root(session)?;
    let deps = deps(session, &root, arguments)?;
    let record =
        record_of(&words(arguments)?, &deps, session.stages()).map_err(|error| Error::Usage {
            message: hpipe_core::with_causes(&error),
            help: "`hpipe models register --help` tells more".to_owned(),
        })?;
    let text = String::from_utf8_lossy(&record.to_bytes()).into_owned();
    let workspace = session
        .find_with(|_| ())
        .and_then(|opening| session.read(opening))
        .ok();
    let lineage = workspace.as_ref().and_then(|workspace| {
        let path = &record.model()?.path;
        made_by(workspace, &ProjectPath::new(path)).transpose()
    });
    let lineage = lineage.transpose()?;
    let texts = match (&workspace, &lineage) {
        (Some(workspace), Some(_)) => texts_of(workspace),
        _ => Vec::new(),
    };
    recording::keep_out_of_git_at(&root, &session.ui)?;
    let ledger = open_ledger(&root)?;
    let files = taken_in(&ledger, &root, &record, &text, lineage.as_ref(), &texts)?;
    let name = record.name.clone();
    let new = NewRegistration {
        record,
        text,
        lineage,
        files,
        user: user(session, &arguments.by),
        renews: true,
    };
    let registered = ledger.register(new)?;
    match arguments.json {
        true => session.ui.data(&json::registered(None, &name, &registered)),
        false => session.ui.data(&ui::registered_line(&name, &registered)),
    }
    Ok(Exit::Done)
}

/// Where a file comes from that a stage makes, if it is what the stage made.
fn made_by(workspace: &Workspace, path: &ProjectPath) -> Result<Option<Lineage>, Error> {
    let Some(stage) = workspace.graph().makers(path).next() else {
        return Ok(None);
    };
    let name = &workspace.stage(stage).name;
    let lock = workspace.read_lock()?;
    let made = lock.stages.get(name).and_then(|entry| {
        let mut outs = entry.outs.iter();
        outs.find(|out| out.path == *path)
    });
    let is_there = workspace.store().content(path)?;
    match (made, is_there) {
        (Some(made), Some(now)) if now.same_bytes(&made.content) => {
            Ok(Some(lineage_of(workspace, name)?))
        }
        _ => Ok(None),
    }
}

/// The options of a stage that would register the same.
fn words(arguments: &ModelsRegister) -> Result<Value, Error> {
    let mut words = Mapping::new();
    words.insert("name", Value::Text(arguments.name.clone()));
    if let Some(description) = &arguments.description {
        words.insert("description", Value::Text(description.clone()));
    }
    let mut tags = Mapping::new();
    for tag in &arguments.tags {
        let (key, value) = super::change::key_and_value(tag)?;
        tags.insert(key, Value::Text(value.to_owned()));
    }
    words.insert("tags", Value::Map(tags));
    Ok(Value::Map(words))
}

/// The files named on the command line, as deps of such a stage.
fn deps(
    session: &Session,
    root: &Path,
    arguments: &ModelsRegister,
) -> Result<Vec<PortPath>, Error> {
    let model = [("model", &arguments.file)].into_iter();
    let transform = arguments.transform.iter().map(|file| ("transform", file));
    let profile = arguments.profile.iter().map(|file| ("profile", file));
    let metrics = arguments.metrics.iter().map(|file| ("metrics", file));
    let named = model.chain(transform).chain(profile).chain(metrics);
    let deps = named.map(|(role, file)| {
        let found = session.folder().join(file);
        let path = found.canonicalize().map_err(|source| Error::File {
            attempt: "read",
            path: file.clone(),
            source,
        })?;
        let inside = path.strip_prefix(root).map_err(|_| Error::Usage {
            message: format!("{} lies outside of the project", file.display()),
            help: "copy it into the project, so that its place can be told".to_owned(),
        })?;
        Ok(PortPath {
            role: role.to_owned(),
            declared: ProjectPath::new(&inside.to_string_lossy()),
            path: path.clone(),
        })
    });
    deps.collect()
}
