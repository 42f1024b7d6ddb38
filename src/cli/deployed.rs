//! From a word on the command line to a model that predicts, and to tables: what `predict`, `serve` and `monitor` begin with.

use std::path::Path;
use std::sync::Arc;

use hpipe_core::{ModelFiles, ModelLoader, Predictor, TableFiles, TableFormat, TableReader};
use hpipe_track::Ledger;
use hpipe_track::ledger::ModelVersion;

use crate::error::Error;
use crate::session::Session;

/// Who makes predictors of files.
pub(crate) fn loader(session: &Session) -> Result<Arc<dyn ModelLoader>, Error> {
    session.registry().models.clone().ok_or_else(without_ml)
}

/// Who reads and writes tables.
pub(crate) fn tables(session: &Session) -> Result<Arc<dyn TableFiles>, Error> {
    session.registry().tables.clone().ok_or_else(without_ml)
}

fn without_ml() -> Error {
    Error::Usage {
        message:
            "this hpipe was built without machine learning: it loads no model and reads no table"
                .to_owned(),
        help: "use a build with the feature `ml`, the default".to_owned(),
    }
}

/// Loads a version of a registered model; each of its files is verified.
pub(crate) fn of_version(
    session: &Session,
    ledger: &Ledger,
    version: &ModelVersion,
) -> Result<Arc<dyn Predictor>, Error> {
    let files = ledger.version_files(version)?;
    let loaded = loader(session)?.load(files.as_files());
    loaded.map_err(|message| Error::Usage {
        message: format!("{}/{} cannot be loaded: {message}", version.name, version.version),
        help: "`hpipe models verify` says whether its files are what was registered; an older hpipe may have written them"
            .to_owned(),
    })
}

/// Loads a model from files of the disk.
pub(crate) fn of_files(
    session: &Session,
    model: &Path,
    transform: Option<&Path>,
) -> Result<Arc<dyn Predictor>, Error> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| Error::File {
            attempt: "read",
            path: path.to_owned(),
            source,
        })
    };
    let bytes = read(model)?;
    let transform = transform.map(read).transpose()?;
    let files = ModelFiles {
        model: &bytes,
        transform: transform.as_deref(),
        profile: None,
    };
    loader(session)?
        .load(files)
        .map_err(|message| Error::Usage {
            message: format!("{} cannot be loaded: {message}", model.display()),
            help: "a model that predicts from features needs what made them: `--transform FILE`"
                .to_owned(),
        })
}

/// The format of a table's file, by its ending.
pub(crate) fn format_of(path: &Path) -> Result<TableFormat, Error> {
    TableFormat::of_path(path).ok_or_else(|| Error::Usage {
        message: format!("the ending of {} names no format of tables", path.display()),
        help: "tables are .csv or .parquet".to_owned(),
    })
}

/// Says which columns of a table nobody will see.
pub(crate) fn warn_of_left_out(session: &Session, path: &Path, reader: &dyn TableReader) {
    if !reader.left_out().is_empty() {
        session.ui.warning(&format!(
            "{}: left out, for hpipe reads numbers, texts and booleans only: {}",
            path.display(),
            reader.left_out().join(", ")
        ));
    }
}
