//! What pipeline files came to when they were read, kept in a form that is read many times as fast. Format page:
//! `docs/formats/pipeline_mirror.md`.
//!
//! The store keeps bytes and sees that they are whole; which texts they stand for, whoever reads pipelines knows. Written at
//! the end of a command; losing one costs time and nothing else.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use hpipe_core::{ProjectPath, with_causes};

use crate::Store;

/// `hpipe`, a zero byte, `P` for pipeline, and the version.
const MAGIC: [u8; 8] = *b"hpipe\0P\x03";

/// Separates these checksums from every other use of BLAKE3. Another version of hpipe may read a pipeline file otherwise.
const CONTEXT: &str = concat!("hpipe pipeline mirror of ", env!("CARGO_PKG_VERSION"));

/// The checksum, which follows the magic.
const CHECKSUM: usize = 32;

/// The mirrors that are to be written, by the path of their pipeline file.
#[derive(Debug, Default)]
pub(crate) struct Unwritten(Mutex<BTreeMap<ProjectPath, Vec<u8>>>);

impl Unwritten {
    fn take(&self) -> BTreeMap<ProjectPath, Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A file that holds `body`.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(checksum(body));
    bytes.extend(body);
    bytes
}

/// What a file holds; none of one that is damaged, or another version's.
fn unsealed(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (head, body) = bytes.split_at_checked(MAGIC.len() + CHECKSUM)?;
    let is_whole = head[..MAGIC.len()] == MAGIC && head[MAGIC.len()..] == checksum(body);
    is_whole.then(|| bytes.split_off(MAGIC.len() + CHECKSUM))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

impl Store {
    /// The mirror of the pipeline file at `path`, if a whole one is there. What it is a mirror of is for the caller to ask.
    pub fn pipeline_mirror(&self, path: &ProjectPath) -> Option<Vec<u8>> {
        let found = std::fs::read(self.cache.pipeline_mirror(path)).ok();
        found.and_then(unsealed)
    }

    /// Writes `mirror` for the pipeline file at `path`, at the end of the command. A replica keeps none.
    pub fn keep_pipeline_mirror(&self, path: &ProjectPath, mirror: Vec<u8>) {
        if !self.is_replica() {
            let unwritten = &self.pipeline_mirrors.0;
            let mut unwritten = unwritten.lock().unwrap_or_else(PoisonError::into_inner);
            unwritten.insert(path.clone(), mirror);
        }
    }

    /// Writes the mirrors of pipeline files that were read without one; a failure is a warning.
    pub(crate) fn write_pipeline_mirrors(&self) {
        for (path, body) in self.pipeline_mirrors.take() {
            let mirror = self.cache.pipeline_mirror(&path);
            match self.cache.create_folder_of(&mirror) {
                Ok(()) => self.write_hint(&mirror, &sealed(&body)),
                Err(error) => self
                    .warnings
                    .add(format!("failed to {}", with_causes(&error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn is_kept_whole_or_is_a_miss() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Path::new(".cache")).unwrap();
        let path = ProjectPath::new("pipeline.yaml");
        assert_eq!(store.pipeline_mirror(&path), None);
        store.keep_pipeline_mirror(&path, b"body".to_vec());
        assert_eq!(
            store.pipeline_mirror(&path),
            None,
            "it is written at the end"
        );
        store.flush();
        assert_eq!(store.pipeline_mirror(&path).as_deref(), Some(&b"body"[..]));
        assert_eq!(store.pipeline_mirror(&ProjectPath::new("dvc.yaml")), None);

        let file = store.cache.pipeline_mirror(&path);
        let whole = std::fs::read(&file).unwrap();
        assert_eq!(whole[..8], *b"hpipe\0P\x03");
        assert_eq!(&whole[40..], b"body");
        for at in 0..whole.len() {
            let mut harmed = whole.clone();
            harmed[at] ^= 0x20;
            assert_eq!(unsealed(harmed), None, "flipped at {at}");
            assert_eq!(unsealed(whole[..at].to_vec()), None, "cut at {at}");
        }
    }
}
