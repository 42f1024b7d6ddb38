//! Has the store compare the whole cache with what it should be, and with what lock files and data files refer to.

use std::path::Path;

use hpipe_core::{ProjectPath, with_causes};
use hpipe_store::{DATA_FILE_ENDING, Fault, LockFile, Reference, Referrer, Store, Verification};

use crate::naming::each_naming_file;
use crate::{Error, Location};

/// By what a lock file of ours is told from one of another tool.
const SCHEMA: &[u8] = b"schema: hpipe/";

/// Reads everything in the cache; with `repair`, mends what can be mended.
///
/// A lock file or data file that cannot be read is a fault like others, and nobody but its owner can mend it.
///
/// # Errors
/// [`Error::Read`] when the tree cannot be searched for lock files; [`Error::Store`] when the cache cannot be listed, or
/// with `repair` written.
pub fn verify(store: &Store, location: &Location, repair: bool) -> Result<Verification, Error> {
    let mut references = Vec::new();
    let mut faults = Vec::new();
    let root_lock = location.lock_file().on_disk(store.root());
    each_naming_file(store.root(), store.cache_folder(), &mut |path, text| {
        let fault = |error: &hpipe_store::Error| Fault {
            path: path.to_owned(),
            digest: None,
            problem: with_causes(error),
            mended: None,
        };
        if path.to_string_lossy().ends_with(DATA_FILE_ENDING) {
            match data(store, path) {
                Ok(reference) => references.push(reference),
                Err(error) => faults.push(fault(&error)),
            }
            return;
        }
        let is_ours = text.windows(SCHEMA.len()).any(|part| part == SCHEMA);
        if path != root_lock && !is_ours {
            return;
        }
        match LockFile::parse(&text, path) {
            Ok(lock) => references.extend(referred_to(store.root(), path, &lock)),
            Err(error) => faults.push(fault(&error)),
        }
    })?;
    let mut verification = store.verify(&references, repair)?;
    verification.faults.extend(faults);
    Ok(verification)
}

/// What a data file refers to.
fn data(store: &Store, file: &Path) -> Result<Reference, hpipe_store::Error> {
    let within = file.strip_prefix(store.root()).unwrap_or(file);
    let file = ProjectPath::new(&within.to_string_lossy());
    let (path, content) = store.read_data_file(&file)?;
    Ok(Reference {
        by: Referrer::DataFile(file),
        path,
        content,
    })
}

/// The cached outs of the stages of a lock file.
fn referred_to(root: &Path, file: &Path, lock: &LockFile) -> Vec<Reference> {
    let within = file.strip_prefix(root).unwrap_or(file);
    let prefix = match within.parent() == Some(Path::new("")) {
        true => String::new(),
        false => format!("{}:", within.display()),
    };
    let outs = lock.stages.iter().flat_map(|(stage, entry)| {
        let cached = entry.outs.iter().filter(|out| out.cached);
        cached.map(move |out| (stage, out))
    });
    outs.map(|(stage, out)| Reference {
        by: Referrer::Stage(format!("{prefix}{stage}")),
        path: out.path.clone(),
        content: out.content,
    })
    .collect()
}
