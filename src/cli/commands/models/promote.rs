//! The commands that move versions between stages: `promote`, `archive`, `rollback`.

use hpipe_track::Ledger;
use hpipe_track::ledger::{ModelVersion, Promoted, Promotion, Stage, Transition};
use hpipe_track::registry::Which;

use super::{ask, check_name, existing_ledger, find, parse, stage, user};
use crate::args::{ModelsArchive, ModelsPromote, ModelsRollback};
use crate::error::{Error, Exit};
use crate::json;
use crate::session::Session;
use crate::ui;

/// Moves a version to a stage, if its gates pass.
pub(super) fn promote(session: &Session, arguments: &ModelsPromote) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let to = stage(session, &arguments.stage)?;
    let found = find(&ledger, &arguments.model)?;
    if !matches!(to, Stage::Archived | Stage::None) {
        ledger.check_files(&found)?; // whoever serves it could not
    }
    let promoted = match arguments.dry {
        true => judged(&ledger, &found, &to)?,
        false => {
            let promotion = Promotion {
                archives_existing: arguments.archive_existing,
                user: user(session, &arguments.by),
                reason: arguments.reason.clone(),
                is_forced: arguments.force,
                ..Promotion::new(&found.name, found.version, to.clone())
            };
            ledger.promote(promotion)?
        }
    };
    match arguments.json {
        true => session.ui.data(&json::promoted(&found, &promoted)),
        false => session
            .ui
            .data(&ui::promoted_text(&found, &promoted, arguments.dry)),
    }
    let failed = promoted.checks.iter().filter(|check| !check.passed).count();
    match (promoted.is_moved, failed) {
        (false, 1..) => Err(Error::GatesNotPassed {
            version: format!("{}/{}", found.name, found.version),
            stage: to.name().to_owned(),
            failed,
            of: promoted.checks.len(),
        }),
        _ => Ok(Exit::Done),
    }
}

/// What the gates say, without moving anything.
fn judged(ledger: &Ledger, found: &ModelVersion, stage: &Stage) -> Result<Promoted, Error> {
    Ok(Promoted {
        stage: stage.clone(),
        is_moved: false,
        checks: ledger.judge(&found.name, found.version, stage)?,
        archived: Vec::new(),
    })
}

/// Moves a version to the archive.
pub(super) fn archive(session: &Session, arguments: &ModelsArchive) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let found = find(&ledger, &arguments.model)?;
    let transition = Transition {
        user: user(session, &arguments.by),
        reason: arguments.reason.clone(),
        ..Transition::new(&found.name, found.version, Stage::Archived)
    };
    ledger.write(move |change| change.transition(&transition))?;
    let promoted = Promoted {
        stage: Stage::Archived,
        is_moved: true,
        checks: Vec::new(),
        archived: Vec::new(),
    };
    match arguments.json {
        true => session.ui.data(&json::promoted(&found, &promoted)),
        false => session
            .ui
            .data(&ui::promoted_text(&found, &promoted, false)),
    }
    Ok(Exit::Done)
}

/// Brings back the version that stood in a stage before.
pub(super) fn rollback(session: &Session, arguments: &ModelsRollback) -> Result<Exit, Error> {
    let ledger = existing_ledger(session)?;
    let reference = parse(&arguments.model)?;
    let to = match &reference.which {
        None => Stage::Production,
        Some(Which::Word(word)) => stage(session, word)?,
        Some(_) => {
            return Err(Error::Usage {
                message: format!(
                    "`{}` names a version, and a stage is rolled back",
                    arguments.model
                ),
                help: "name the model, or NAME@STAGE".to_owned(),
            });
        }
    };
    let name = reference.name;
    ask(&ledger, |records| check_name(records, &name))?;
    let (user, reason) = (user(session, &arguments.by), arguments.reason.clone());
    let (model, back) = (name.clone(), to.clone());
    let done = ledger
        .write(move |change| change.roll_back(&model, &back, user.as_deref(), reason.as_deref()))?;
    let back = ledger.read(|records| records.model_version(&name, done.version))?;
    if let Err(error) = ledger.check_files(&back) {
        let why = hpipe_core::with_causes(&error);
        let text = format!("{name}/{} cannot be served: failed to {why}", done.version);
        session.ui.warning(&text);
    }
    match arguments.json {
        true => session.ui.data(&json::rolled_back(&name, &to, &done)),
        false => session.ui.data(&ui::rolled_back_text(&name, &to, &done)),
    }
    Ok(Exit::Done)
}
