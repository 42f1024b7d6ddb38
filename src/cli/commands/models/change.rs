//! The commands that change the words of models and versions: `alias`, `tag`, `describe`, `delete`.

use hpipe_track::ledger::{Pair, Stage};
use hpipe_track::registry::Which;

use super::{ask, check_name, existing_ledger, find, parse};
use crate::args::{ModelsAlias, ModelsDelete, ModelsDescribe, ModelsTag};
use crate::error::{Error, Exit};
use crate::session::Session;
use crate::ui::count;

/// Lets an alias mean a version, or nothing any more.
pub(super) fn alias(session: &Session, arguments: &ModelsAlias) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let found = find(&ledger, &arguments.model)?;
    let (name, number) = (found.name.clone(), found.version);
    let Some(alias) = arguments.alias.clone() else {
        let reference = parse(&arguments.model)?;
        let alias = match reference.which {
            Some(Which::Word(word)) if found.aliases.contains(&word) => word,
            _ => {
                return Err(Error::Usage {
                    message: format!("`{}` names no alias", arguments.model),
                    help: "name the alias to remove as NAME@ALIAS".to_owned(),
                });
            }
        };
        let note = format!("`{alias}` means no version of {name} any more");
        ledger.write(move |change| change.delete_alias(&name, &alias))?;
        session.ui.note(&note);
        return Ok(Exit::Done);
    };
    if session.stages().parse(&alias).is_ok() {
        return Err(Error::Usage {
            message: format!("`{alias}` is a stage, and no alias can be called so"),
            help: format!(
                "`hpipe models promote {} {alias}` moves it there",
                arguments.model
            ),
        });
    }
    let note = format!("{name}@{alias} is version {number} now");
    ledger.write(move |change| change.set_alias(&name, &alias, number))?;
    session.ui.note(&note);
    Ok(Exit::Done)
}

/// The two sides of `KEY=VALUE`.
pub(super) fn key_and_value(text: &str) -> Result<(&str, &str), Error> {
    let sides = text.split_once('=').filter(|(key, _)| !key.is_empty());
    sides.ok_or_else(|| Error::Usage {
        message: format!("`{text}` is no tag"),
        help: "write KEY=VALUE".to_owned(),
    })
}

/// Sets and removes tags of a model or a version.
pub(super) fn tag(session: &Session, arguments: &ModelsTag) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let tags = arguments.tags.iter().map(|tag| key_and_value(tag));
    let tags = tags.map(|tag| tag.map(|(key, value)| Pair::new(key, value)));
    let tags = tags.collect::<Result<Vec<_>, _>>()?;
    let gone = arguments.remove.clone();
    let (name, number) = named(&ledger, &arguments.model)?;
    let note = format!(
        "{}: {} set, {} removed",
        arguments.model,
        count(tags.len(), "tag"),
        gone.len()
    );
    ledger.write(move |change| {
        for tag in &tags {
            match number {
                Some(number) => change.set_version_tag(&name, number, tag)?,
                None => change.set_model_tag(&name, tag)?,
            }
        }
        for key in &gone {
            match number {
                Some(number) => change.delete_version_tag(&name, number, key)?,
                None => change.delete_model_tag(&name, key)?,
            }
        }
        Ok(())
    })?;
    session.ui.note(&note);
    Ok(Exit::Done)
}

/// The model a text names, and the version if it names one.
fn named(ledger: &hpipe_track::Ledger, text: &str) -> Result<(String, Option<i64>), Error> {
    let reference = parse(text)?;
    if reference.which.is_some() {
        let found = find(ledger, text)?;
        return Ok((found.name, Some(found.version)));
    }
    ask(ledger, |records| check_name(records, &reference.name))?;
    Ok((reference.name, None))
}

/// Says what people should know of a model or a version.
pub(super) fn describe(session: &Session, arguments: &ModelsDescribe) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let (name, number) = named(&ledger, &arguments.model)?;
    let text = Some(arguments.text.clone()).filter(|text| !text.is_empty());
    ledger.write(move |change| {
        match number {
            Some(number) => drop(change.describe_model_version(&name, number, text.as_deref())?),
            None => drop(change.describe_registered_model(&name, text.as_deref())?),
        }
        Ok(())
    })?;
    session
        .ui
        .note(&format!("{} is described", arguments.model));
    Ok(Exit::Done)
}

/// Deletes a version, or a model with all of them; the history stays.
pub(super) fn delete(session: &Session, arguments: &ModelsDelete) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let (name, number) = named(&ledger, &arguments.model)?;
    let versions = ledger.read(|records| records.model_versions(&name))?;
    let in_use = versions.iter().find(|version| {
        let is_active = Stage::recorded(&version.stage).is_active();
        is_active && number.is_none_or(|number| number == version.version)
    });
    if let Some(version) = in_use.filter(|_| !arguments.force) {
        return Err(Error::Usage {
            message: format!("{name}/{} is in {}", version.version, version.stage),
            help: "archive it first, or say `--force`".to_owned(),
        });
    }
    let note = match number {
        Some(number) => format!("{name}/{number} is deleted; its history stays"),
        None => format!(
            "{name} is deleted with {}; their history stays",
            count(versions.len(), "version")
        ),
    };
    ledger.write(move |change| match number {
        Some(number) => change.delete_model_version(&name, number),
        None => change.delete_registered_model(&name),
    })?;
    session.ui.note(&note);
    Ok(Exit::Done)
}
