//! Uploads in parts that are under way. They live as long as the server: a client whose upload is lost begins anew.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use hpipe_track::ledger::ParkedArtifact;

use crate::fault::Fault;

/// Uploads at once, and parts of one.
const MOST_UPLOADS: usize = 256;
const MOST_PARTS: usize = 10_000;

/// The uploads that are under way, by id.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<HashMap<String, Upload>>);

/// One of them.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The artifact it will be.
    pub(crate) path: String,
    /// What has arrived, by number.
    pub(crate) parts: BTreeMap<usize, ParkedArtifact>,
    count: usize,
}

impl Uploads {
    /// Begins an upload.
    pub(crate) fn begin(&self, id: String, path: String, count: usize) -> Result<(), Fault> {
        if count == 0 || count > MOST_PARTS {
            return Err(Fault::invalid(format!(
                "Invalid value {count} for parameter 'num_parts' supplied. It must be between 1 and {MOST_PARTS}"
            )));
        }
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uploads.len() >= MOST_UPLOADS {
            return Err(Fault::invalid(format!(
                "There are {MOST_UPLOADS} unfinished uploads already; complete or abort some"
            )));
        }
        let upload = Upload {
            path,
            parts: BTreeMap::new(),
            count,
        };
        uploads.insert(id, upload);
        Ok(())
    }

    /// Adds a part that has arrived; one that comes again replaces the first.
    pub(crate) fn add(&self, id: &str, number: usize, part: ParkedArtifact) -> Result<(), Fault> {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let upload = uploads.get_mut(id).ok_or_else(|| unknown(id))?;
        if number == 0 || number > upload.count {
            return Err(Fault::invalid(format!(
                "The upload has the parts 1 to {}, not {number}",
                upload.count
            )));
        }
        upload.parts.insert(number, part);
        Ok(())
    }

    /// Takes an upload out: completed or aborted.
    pub(crate) fn take(&self, id: &str, path: &str) -> Result<Upload, Fault> {
        let mut uploads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match uploads.get(id) {
            Some(upload) if upload.path == path => uploads.remove(id).ok_or_else(|| unknown(id)),
            _ => Err(unknown(id)),
        }
    }
}

impl Upload {
    /// Demands that every part is there.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        if self.parts.len() == self.count {
            return Ok(());
        }
        Err(Fault::invalid(format!(
            "Of {} parts {} have arrived",
            self.count,
            self.parts.len()
        )))
    }
}

fn unknown(id: &str) -> Fault {
    Fault::invalid(format!("There is no upload '{id}' for this path"))
}
