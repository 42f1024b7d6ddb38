//! `hpipe models`: the registry of models.

mod change;
mod export;
mod look;
mod promote;
mod register;
mod reproduce;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hpipe_core::nearest;
use hpipe_track::Ledger;
use hpipe_track::ledger::{ModelVersion, Records, Refusal, RegistryQuery, Stage};
use hpipe_track::registry::ModelReference;

use crate::args::{By, Models};
use crate::error::{Error, Exit};
use crate::gauge;
use crate::registering::{MODELS, open_ledger};
use crate::session::Session;

/// Carries out one of the commands.
pub(super) fn models(session: &Session, arguments: &Models) -> Result<Exit, Error> {
    match arguments {
        Models::List(arguments) => look::list(session, arguments),
        Models::Show(arguments) => look::show(session, arguments),
        Models::History(arguments) => look::history(session, arguments),
        Models::Compare(arguments) => look::compare(session, arguments),
        Models::Diff(arguments) => look::diff(session, arguments),
        Models::Register(arguments) => register::register(session, arguments),
        Models::Promote(arguments) => promote::promote(session, arguments),
        Models::Archive(arguments) => promote::archive(session, arguments),
        Models::Rollback(arguments) => promote::rollback(session, arguments),
        Models::Verify(arguments) => verify::verify(session, arguments),
        Models::Reproduce(arguments) => reproduce::reproduce(session, arguments),
        Models::Export(arguments) => export::export(session, arguments),
        Models::Alias(arguments) => change::alias(session, arguments),
        Models::Tag(arguments) => change::tag(session, arguments),
        Models::Describe(arguments) => change::describe(session, arguments),
        Models::Delete(arguments) => change::delete(session, arguments),
    }
}

/// The root of the project, or, where there is none, the folder.
pub(super) fn root(session: &Session) -> Result<PathBuf, Error> {
    if let Ok(location) = session.locate() {
        return Ok(location.root);
    }
    let folder = session.folder();
    folder.canonicalize().map_err(|source| Error::File {
        attempt: "find",
        path: folder.clone(),
        source,
    })
}

/// The records of a project that has some.
pub(super) fn existing_ledger(session: &Session) -> Result<Ledger, Error> {
    let root = root(session)?;
    match Ledger::exists(&root.join(MODELS)) {
        true => Ok(open_ledger(&root)?
            .with_stages(session.stages().clone())
            .with_gauge(gauge::gauge(session, root))),
        false => Err(Error::Usage {
            message: "no model is registered here".to_owned(),
            help: "`hpipe models register FILE --name NAME` registers one, and so does a stage `uses: register`"
                .to_owned(),
        }),
    }
}

/// The records of a project that has some, for whoever changes nothing: also where nothing can be written.
pub(super) fn readable_ledger(session: &Session) -> Result<Ledger, Error> {
    match existing_ledger(session) {
        Err(Error::Records(error)) if error.is_of_read_only() => {
            let models = root(session)?.join(MODELS);
            let ledger = Ledger::open_to_read(&models, Arc::new(hpipe_store::now_millis))?;
            Ok(ledger.with_stages(session.stages().clone()))
        }
        done => done,
    }
}

/// Who does it: who the command line says, or who is logged in.
fn user(session: &Session, by: &By) -> Option<String> {
    by.by.clone().or_else(|| session.user())
}

pub(super) fn parse(text: &str) -> Result<ModelReference, Error> {
    ModelReference::parse(text).map_err(|message| Error::Usage {
        message,
        help: "a version is NAME/VERSION, NAME@STAGE, NAME@ALIAS or NAME@latest".to_owned(),
    })
}

fn stage(session: &Session, word: &str) -> Result<Stage, Error> {
    let stages = session.stages();
    let unknown = |_| Error::Usage {
        message: format!("no stage is called `{word}`"),
        help: format!(
            "the stages are {}; the setting `registry.stages` adds others",
            stages.names().collect::<Vec<_>>().join(", ")
        ),
    };
    stages.parse(word).map_err(unknown)
}

/// The names of all models.
pub(super) fn names(records: &Records<'_>) -> Result<Vec<String>, Error> {
    let query = RegistryQuery {
        limit: usize::MAX >> 2,
        ..RegistryQuery::default()
    };
    let page = records.search_registered_models(&query)?;
    Ok(page.items.into_iter().map(|model| model.name).collect())
}

/// Makes sure that there is a model of this name.
fn check_name(records: &Records<'_>, name: &str) -> Result<(), Error> {
    let names = names(records)?;
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    let near = nearest(name, names.iter().map(String::as_str));
    Err(Error::Usage {
        message: format!("no registered model is called `{name}`"),
        help: near.map_or_else(
            || "`hpipe models list` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        ),
    })
}

/// The version a reference means; NAME alone means the one in Production.
pub(super) fn version(
    records: &Records<'_>,
    reference: &ModelReference,
) -> Result<ModelVersion, Error> {
    let name = reference.name.as_str();
    check_name(records, name)?;
    records
        .referred(reference)
        .map_err(|error| match error.refusal() {
            Some(Refusal::Missing) => Error::Usage {
                message: error.to_string(),
                help: format!("`hpipe models show {name}` lists its versions"),
            },
            _ => error.into(),
        })
}

/// Asks the records something that may fail in our words or in theirs.
pub(super) fn ask<T>(
    ledger: &Ledger,
    work: impl FnOnce(&Records<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut answer = None;
    ledger.read(|records| {
        answer = Some(work(records));
        Ok(())
    })?;
    match answer {
        Some(answer) => answer.map_err(|error| error.about_records(ledger.path())),
        None => panic!("bug: the records were not asked"),
    }
}

/// The version a text means.
pub(super) fn find(ledger: &Ledger, text: &str) -> Result<ModelVersion, Error> {
    let reference = parse(text)?;
    ask(ledger, |records| version(records, &reference))
}

/// The version in Production of the only model there is.
pub(super) fn only(ledger: &Ledger) -> Result<ModelVersion, Error> {
    let names = ask(ledger, names)?;
    match names.as_slice() {
        [name] => find(ledger, name),
        [] => Err(Error::Usage {
            message: "no model is registered here".to_owned(),
            help: "`hpipe models register FILE --name NAME` registers one".to_owned(),
        }),
        several => Err(Error::Usage {
            message: format!("there are {} models", several.len()),
            help: format!("name one of {}", several.join(", ")),
        }),
    }
}

/// Makes sure that the folder is there in which a file is to be written.
pub(super) fn folder_of(path: &Path) -> Result<(), Error> {
    export::folder_and_name(path).map(drop)
}

/// Writes a file wherever the user wants it: whole, or not at all.
pub(super) fn write_at(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let (folder, name) = export::folder_and_name(path)?;
    Ok(hpipe_store::write_anywhere(&folder.join(name), bytes)?)
}
