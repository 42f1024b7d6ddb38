//! What stages remember of their parts: a key → some bytes. Format page: `docs/formats/memo.md`.
//!
//! An entry is a file of its own, built aside and linked to its name, so that many threads and processes write at once
//! without waiting for each other, and of two that remember the same the first stands, whole. The file holds the digest
//! of key and value, so that whatever a lost power supply or a full disk left of it is recognised: a warning, a miss, and
//! the next value takes its place. Entries are not synced one by one: a lost one only costs time.
//!
//! Does not know what keys stand for; the engine sees to it that those of different stages differ.

use std::io;

use hpipe_core::{Digest, HashFunction};

use crate::disk::{self, Mode};
use crate::{Error, Store};

/// `hpipe`, a zero byte, `M` for memo, and the version.
const MAGIC: [u8; 8] = *b"hpipe\0M\x01";

/// Magic, hash function, key, digest of key and value.
const HEADER: usize = 8 + 1 + 32 + 32;

impl Store {
    /// The value remembered under `key`, if there is one; a damaged one is a warning and none.
    pub fn recall(&self, key: &Digest) -> Option<Vec<u8>> {
        let path = self.cache.memo(key);
        let warning = match std::fs::read(&path) {
            Ok(bytes) => match decode(key, bytes) {
                Some(value) => return Some(value),
                // One text for all: a lost power supply damages many at once.
                None => format!(
                    "entries of {} are damaged; they count as missing",
                    self.cache.memo_folder().display()
                ),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => format!("failed to read {}: {error}", path.display()),
        };
        self.warnings.add(warning);
        None
    }

    /// Remembers `value` under `key`. What is remembered already and whole stands, unless this is to `replace` it.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn remember(&self, key: &Digest, value: &[u8], replace: bool) -> Result<(), Error> {
        let target = self.cache.memo(key);
        let mut built = self.cache.temporary()?;
        let file = built.create(Mode::Plain)?;
        disk::write(&file, &encode(key, value)).map_err(Error::write(&target))?;
        let is_there = !replace && (built.place_first(&target)? || self.recall(key).is_some());
        if is_there {
            return Ok(());
        }
        self.cache.create_folder_of(&target)?;
        built.rename_to(&target).map_err(Error::place(&target))
    }
}

fn encode(key: &Digest, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + value.len());
    bytes.extend(MAGIC);
    bytes.push(key.function().tag());
    bytes.extend(key.as_bytes());
    bytes.extend(seal(key, value));
    bytes.extend(value);
    bytes
}

/// The value, if the bytes are a whole entry for `key`.
pub(crate) fn decode(key: &Digest, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let (header, value) = bytes.split_at_checked(HEADER)?;
    let expected = [
        &MAGIC[..],
        &[HashFunction::Blake3.tag()],
        key.as_bytes(),
        &seal(key, value),
    ];
    if header != expected.concat() {
        return None;
    }
    bytes.drain(..HEADER);
    Some(bytes)
}

/// The digest of key and value.
fn seal(key: &Digest, value: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.as_bytes());
    hasher.update(value);
    *hasher.finalize().as_bytes()
}
