//! Takes the files of a registration into the artifacts.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hpipe_core::ProjectPath;
use hpipe_track::Ledger;
use hpipe_track::ledger::StoredArtifact;
use hpipe_track::registry::{Lineage, Record, RecordedFile};

use crate::error::Error;

/// Bytes read at once.
const PIECE: usize = 256 * 1024;

/// Takes in the files of `record` as they lie in the project at `root`, what it is registered with, and the texts of the
/// project; says where each is to lie in the folder of the version.
pub(crate) fn taken_in(
    ledger: &Ledger,
    root: &Path,
    record: &Record,
    text: &str,
    lineage: Option<&Lineage>,
    texts: &[(ProjectPath, String)],
) -> Result<Vec<(String, StoredArtifact)>, Error> {
    let mut files = Vec::new();
    for file in &record.files {
        files.push((file.stored_at(), take(ledger, root, file)?));
    }
    let mut put = |path: String, bytes: &[u8]| {
        let mut incoming = ledger.receive_artifact()?;
        incoming.write(bytes)?;
        let (digest, size) = incoming.finish()?;
        files.push((path, StoredArtifact { digest, size }));
        Ok::<_, Error>(())
    };
    put("hpipe/registration.json".to_owned(), text.as_bytes())?;
    if let Some(lineage) = lineage {
        put(
            "hpipe/lineage.json".to_owned(),
            lineage.to_text().as_bytes(),
        )?;
    }
    for (path, text) in texts {
        put(format!("hpipe/project/{path}"), text.as_bytes())?;
    }
    Ok(files)
}

/// Takes in one file, which must be what the record says.
fn take(ledger: &Ledger, root: &Path, file: &RecordedFile) -> Result<StoredArtifact, Error> {
    let mut path: PathBuf = ProjectPath::new(&file.path).on_disk(root);
    path.extend(&file.within);
    let unreadable = |source| Error::File {
        attempt: "read",
        path: path.clone(),
        source,
    };
    let mut bytes = File::open(&path).map_err(unreadable)?;
    let mut incoming = ledger.receive_artifact()?;
    let mut piece = vec![0; PIECE];
    loop {
        match bytes.read(&mut piece).map_err(unreadable)? {
            0 => break,
            read => incoming.write(&piece[..read])?,
        }
    }
    // Dropped, other bytes leave nothing.
    if incoming.digest() != file.digest {
        return Err(Error::Usage {
            message: format!(
                "{} is not what shall be registered any more",
                path.display()
            ),
            help: "`hpipe repro` registers it as it is by then".to_owned(),
        });
    }
    let (digest, size) = incoming.finish()?;
    Ok(StoredArtifact { digest, size })
}
