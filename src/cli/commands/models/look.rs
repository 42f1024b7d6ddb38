//! The commands that look at registered models and change nothing.

use hpipe_track::ledger::ModelVersion;
use hpipe_track::registry::differences;

use super::{ask, check_name, existing_ledger, find, names, parse, version};
use crate::args::{ModelsCompare, ModelsDiff, ModelsList, ModelsShow};
use crate::error::{Error, Exit};
use crate::json;
use crate::registering::MODELS;
use crate::session::Session;
use crate::ui::{self, ComparedVersion, ShownModel, ShownVersion, VersionDiff};
use hpipe_track::Ledger;
use hpipe_track::ledger::Records;

/// Lists registered models.
pub(super) fn list(session: &Session, arguments: &ModelsList) -> Result<Exit, Error> {
    let has_records = Ledger::exists(&super::root(session)?.join(MODELS));
    let models = match has_records {
        false => Vec::new(),
        true => {
            let ledger = existing_ledger(session)?;
            ask(&ledger, |records| {
                let names = names(records)?;
                names
                    .iter()
                    .map(|name| shown_model(records, name))
                    .collect::<Result<Vec<_>, _>>()
            })?
        }
    };
    match (arguments.json, models.is_empty()) {
        (true, _) => session.ui.data(&json::models(&models)),
        (false, true) => session.ui.note("no model is registered here"),
        (false, false) => session.ui.data(&ui::models_table(&models)),
    }
    Ok(Exit::Done)
}

/// Shows a model with its versions, or a version.
pub(super) fn show(session: &Session, arguments: &ModelsShow) -> Result<Exit, Error> {
    let reference = parse(&arguments.model)?;
    let ledger = existing_ledger(session)?;
    if reference.which.is_none() {
        let model = ask(&ledger, |records| {
            check_name(records, &reference.name)?;
            shown_model(records, &reference.name)
        })?;
        match arguments.json {
            true => session.ui.data(&json::model(&model)),
            false => session.ui.data(&ui::model_text(&model)),
        }
        return Ok(Exit::Done);
    }
    let shown = ask(&ledger, |records| {
        let found = version(records, &reference)?;
        shown_version(records, found)
    })?;
    match arguments.json {
        true => session.ui.data(&json::model_version(&shown)),
        false => session.ui.data(&ui::version_text(&shown)),
    }
    Ok(Exit::Done)
}

pub(super) fn shown_model(records: &Records<'_>, name: &str) -> Result<ShownModel, Error> {
    let versions = records.model_versions(name)?;
    let versions = versions
        .into_iter()
        .map(|found| shown_version(records, found));
    Ok(ShownModel {
        model: records.registered_model(name)?,
        versions: versions.collect::<Result<_, _>>()?,
    })
}

fn shown_version(records: &Records<'_>, found: ModelVersion) -> Result<ShownVersion, Error> {
    let registration = records.registration(&found.name, found.version)?;
    let mut tenures = records.tenures(&found.name)?;
    tenures.retain(|tenure| tenure.version == found.version);
    Ok(ShownVersion {
        version: found,
        registration,
        tenures,
    })
}

/// Tells the history of a model or a version.
pub(super) fn history(session: &Session, arguments: &ModelsShow) -> Result<Exit, Error> {
    let reference = parse(&arguments.model)?;
    let ledger = existing_ledger(session)?;
    let name = reference.name.as_str();
    let (events, tenures) = ask(&ledger, |records| {
        let (mut events, mut tenures) = (records.model_history(name)?, records.tenures(name)?);
        if events.is_empty() {
            check_name(records, name)?;
        }
        if reference.which.is_some() {
            let number = version(records, &reference)?.version;
            events.retain(|event| event.version == number);
            tenures.retain(|tenure| tenure.version == number);
        }
        Ok((events, tenures))
    })?;
    match arguments.json {
        true => session
            .ui
            .data(&json::model_history(name, &events, &tenures)),
        false => session.ui.data(&ui::history_text(&events, &tenures)),
    }
    Ok(Exit::Done)
}

/// Sets the metrics of versions side by side.
pub(super) fn compare(session: &Session, arguments: &ModelsCompare) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let mut compared = Vec::new();
    for text in &arguments.models {
        let reference = parse(text)?;
        let found = ask(&ledger, |records| {
            let versions = match reference.which {
                Some(_) => vec![version(records, &reference)?],
                None => {
                    check_name(records, &reference.name)?;
                    records.model_versions(&reference.name)?
                }
            };
            let shown = versions
                .into_iter()
                .map(|found| shown_version(records, found));
            shown.collect::<Result<Vec<_>, _>>()
        })?;
        compared.extend(found.iter().map(ComparedVersion::of));
    }
    match arguments.json {
        true => session.ui.data(&json::compared_versions(&compared)),
        false => {
            let columns = session.ui.columns().unwrap_or(usize::MAX);
            session.ui.data(&ui::comparison_text(&compared, columns));
        }
    }
    Ok(Exit::Done)
}

/// Says what one version is made of and another is not.
pub(super) fn diff(session: &Session, arguments: &ModelsDiff) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let read = |text: &str| {
        let found = find(&ledger, text)?;
        ask(&ledger, |records| shown_version(records, found))
    };
    let (old, new) = (read(&arguments.old)?, read(&arguments.new)?);
    let lineage = |shown: &ShownVersion| {
        let known = shown.registration.as_ref();
        known.and_then(|known| known.lineage.clone())
    };
    let origins = match (lineage(&old), lineage(&new)) {
        (Some(old), Some(new)) => Some(differences(&old, &new)),
        _ => None,
    };
    let diff = VersionDiff {
        origins,
        old: ComparedVersion::of(&old),
        new: ComparedVersion::of(&new),
    };
    match arguments.json {
        true => session.ui.data(&json::version_diff(&diff)),
        false => session.ui.data(&ui::diff_text(&diff)),
    }
    Ok(Exit::Done)
}
