//! Does what gates ask for that must be done with the model: times it, and asks it over HTTP.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hpipe_core::{ModelLoader, ProjectPath, Table, TableFiles, TableFormat};
use hpipe_track::ledger::{Gauge, VersionFiles};
use hpipe_track::registry::{DataUsed, Latency, Record, Replay, Replayed};

use crate::latency;
use crate::session::Session;

/// Loads models as this program does, and reads rows of the project at `root`.
struct Bench {
    loader: Option<Arc<dyn ModelLoader>>,
    tables: Option<Arc<dyn TableFiles>>,
    root: PathBuf,
    /// One model after the other, however many promotions are asked for at once: each predicts with all it gets, and one that is
    /// timed should be alone.
    turn: Mutex<()>,
}

/// Who does what gates ask for.
pub(crate) fn gauge(session: &Session, root: PathBuf) -> Arc<dyn Gauge> {
    let registry = session.registry();
    Arc::new(Bench {
        loader: registry.models.clone(),
        tables: registry.tables.clone(),
        root,
        turn: Mutex::default(),
    })
}

const WITHOUT: &str = "this hpipe was built without machine learning";

impl Gauge for Bench {
    fn latency(&self, files: &VersionFiles) -> Result<Latency, String> {
        let _turn = self.turn();
        let loader = self.loader.as_ref().ok_or(WITHOUT)?;
        let predictor = loader.load(files.as_files())?;
        latency::timed(&*predictor)
    }

    fn replay(
        &self,
        files: &VersionFiles,
        record: &Record,
        replay: Replay,
    ) -> Result<Replayed, String> {
        let _turn = self.turn();
        let data = record.data.first();
        let data = data.ok_or("the registration names no `data`")?;
        let loader = self.loader.as_ref().ok_or(WITHOUT)?;
        let rows = self.rows(data, replay.rows)?;
        hpipe_serve::replay(loader, files, &rows)
    }
}

impl Bench {
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner) // it guards no value
    }

    /// The first rows of data that is what it was when the metrics were measured.
    fn rows(&self, data: &DataUsed, most: usize) -> Result<Table, String> {
        let tables = self.tables.as_ref().ok_or(WITHOUT)?;
        let path = ProjectPath::new(&data.path).on_disk(&self.root);
        let found = hpipe_store::hash_path(&path);
        let found = found.map_err(|error| format!("cannot read {}: {error}", data.path))?;
        if found.0 != data.digest {
            let path = &data.path;
            return Err(format!(
                "{path} is not what the metrics were measured on any more"
            ));
        }
        let format = TableFormat::of_path(&path).unwrap_or(TableFormat::Parquet);
        let mut reader = tables.open(&path, format, most)?;
        let first = reader.next()?.unwrap_or_default();
        match first.rows() > most {
            true => Ok(first.take(&(0..most).collect::<Vec<_>>())),
            false => Ok(first),
        }
    }
}
