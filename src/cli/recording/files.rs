//! The files an execution made, as it made them: read for metrics, kept as artifacts.
//!
//! What lies in the project may have been changed since. So bytes count only if their digest is the recorded one; else
//! they come from the cache.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use hpipe_core::{Content, ContentKind, Digest, ProjectPath};
use hpipe_store::{LockEntry, LockOut, Store};
use hpipe_track::ledger::{Ledger, LedgerError, StoredArtifact};

/// The name, below a run's artifacts, of what the stage printed.
const LOG: &str = "output.log";

/// Bytes copied at once.
const PIECE: usize = 256 * 1024;

/// Endings of files that commands make and that are kept with their run, besides metrics and plots.
const KEPT: [&str; 17] = [
    "safetensors",
    "onnx",
    "ubj",
    "pkl",
    "pickle",
    "joblib",
    "pt",
    "pth",
    "h5",
    "keras",
    "cbm",
    "model",
    "html",
    "md",
    "png",
    "svg",
    "pdf",
];

/// The largest file that is kept with its run, but for models.
const LARGEST: u64 = 1 << 30;

/// The largest file that is read for the metrics in it.
const LARGEST_TEXT: u64 = 64 << 20;

/// A file that an execution made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) path: ProjectPath,
    pub(super) content: Content,
}

/// The files of an execution.
pub(super) struct Files<'a> {
    store: &'a Store,
    entry: &'a LockEntry,
}

impl<'a> Files<'a> {
    pub(super) const fn new(store: &'a Store, entry: &'a LockEntry) -> Self {
        Self { store, entry }
    }

    /// The outs of these kinds: `metrics`, `plots`, `outs`.
    pub(super) fn outs(&self, kind: &str) -> impl Iterator<Item = &'a LockOut> {
        let kind = kind.to_owned();
        self.entry.outs.iter().filter(move |out| out.kind == kind)
    }

    /// The out of a role, if it is a file.
    pub(super) fn of_role(&self, role: &str) -> Option<Made> {
        let has_role = |out: &&LockOut| out.role.as_deref() == Some(role);
        let out = self.entry.outs.iter().find(has_role)?;
        (out.content.kind == ContentKind::File).then(|| Made {
            path: out.path.clone(),
            content: out.content,
        })
    }

    /// The files of an out, those of a folder one by one.
    pub(super) fn in_out(&self, out: &LockOut) -> Vec<Made> {
        let whole = Made {
            path: out.path.clone(),
            content: out.content,
        };
        if out.content.kind == ContentKind::File {
            return vec![whole];
        }
        let stored = self.store.stored_files(&out.content).ok().flatten();
        let made = |(name, content): (String, Content)| Made {
            path: out.path.join(&escaped(&name)),
            content,
        };
        match stored {
            Some(files) => files.into_iter().map(made).collect(),
            None => self.on_disk(out),
        }
    }

    /// The files of a folder that the cache does not have, if it is still what was made.
    fn on_disk(&self, out: &LockOut) -> Vec<Made> {
        let found = self.store.content(&out.path).ok().flatten();
        let mut files = Vec::new();
        if found.is_some_and(|found| found.same(&out.content)) {
            self.walk(&out.path, &mut files);
        }
        files
    }

    fn walk(&self, folder: &ProjectPath, files: &mut Vec<Made>) {
        let entries = std::fs::read_dir(folder.on_disk(self.store.root()));
        let names = entries.into_iter().flatten().flatten();
        let mut names: Vec<_> = names
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        for name in names {
            let path = folder.join(&escaped(&name));
            match self.store.content(&path).ok().flatten() {
                Some(content) if content.kind == ContentKind::File => {
                    files.push(Made { path, content });
                }
                Some(_) => self.walk(&path, files),
                None => {}
            }
        }
    }

    /// The text of a file as it was made; none when it is gone, is no text, or is larger than what tells of metrics.
    pub(super) fn text(&self, made: &Made) -> Option<String> {
        if made.content.size > LARGEST_TEXT {
            return None;
        }
        String::from_utf8(self.bytes(made)?).ok()
    }

    fn bytes(&self, made: &Made) -> Option<Vec<u8>> {
        if self.is_in_place(made) {
            return std::fs::read(made.path.on_disk(self.store.root())).ok();
        }
        self.store.stored_bytes(&made.content).ok().flatten()
    }

    fn is_in_place(&self, made: &Made) -> bool {
        let found = self.store.content(&made.path).ok().flatten();
        found.is_some_and(|found| found.same_bytes(&made.content))
    }

    /// Keeps a file as an artifact; none when its bytes are gone.
    ///
    /// # Errors
    /// When the folder of artifacts cannot be written.
    pub(super) fn keep(
        &self,
        ledger: &Ledger,
        made: &Made,
    ) -> Result<Option<StoredArtifact>, LedgerError> {
        let digest = Some(made.content.digest);
        if self.is_in_place(made) {
            let path = made.path.on_disk(self.store.root());
            let kept = File::open(path).map(|file| keep_file(ledger, file, digest));
            if let Ok(kept) = kept
                && let Some(kept) = kept?
            {
                return Ok(Some(kept));
            }
        }
        match self.store.open_stored(&made.content) {
            Ok(Some(object)) => keep_file(ledger, object, digest),
            _ => Ok(None),
        }
    }

    /// Whether an out is kept with the run, but for those of its files that are too large.
    pub(super) fn is_kept(&self, out: &LockOut) -> bool {
        let ending = out.path.file_name().rsplit_once('.').map(|(_, end)| end);
        let is_of_command = out.role.is_none();
        let by_ending = || ending.is_some_and(|ending| KEPT.contains(&ending));
        out.kind != "outs" || !is_of_command || by_ending()
    }
}

impl Made {
    /// Whether it is kept with its run, being no model.
    pub(super) const fn fits(&self) -> bool {
        self.content.size <= LARGEST
    }
}

/// A name of a folder as a path of one part.
fn escaped(name: &str) -> String {
    format!("./{name}")
}

/// Keeps what the stage printed.
///
/// # Errors
/// When the folder of artifacts cannot be written.
pub(super) fn keep_log(
    ledger: &Ledger,
    log: Option<&Path>,
) -> Result<Option<(String, StoredArtifact)>, LedgerError> {
    let kept = match log.map(File::open) {
        Some(Ok(log)) => keep_file(ledger, log, None)?,
        _ => None,
    };
    Ok(kept.map(|kept| (LOG.to_owned(), kept)))
}

/// Keeps bytes.
///
/// # Errors
/// When the folder of artifacts cannot be written.
pub(super) fn keep_bytes(ledger: &Ledger, bytes: &[u8]) -> Result<StoredArtifact, LedgerError> {
    let mut incoming = ledger.receive_artifact()?;
    incoming.write(bytes)?;
    let (digest, size) = incoming.finish()?;
    Ok(StoredArtifact { digest, size })
}

/// Keeps what a file holds; none when it cannot be read, or holds something else than it should.
fn keep_file(
    ledger: &Ledger,
    mut file: File,
    expected: Option<Digest>,
) -> Result<Option<StoredArtifact>, LedgerError> {
    let mut incoming = ledger.receive_artifact()?;
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => incoming.write(&piece[..read])?,
            Err(_) => return Ok(None),
        }
    }
    if expected.is_some_and(|expected| incoming.digest() != expected) {
        return Ok(None); // dropped, it leaves nothing
    }
    let (digest, size) = incoming.finish()?;
    Ok(Some(StoredArtifact { digest, size }))
}
