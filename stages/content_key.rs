//! Keys of what a stage remembers: the digest of everything a part of its work depends on.
//!
//! The encoding is a sequence of fields, each a length as 64 bits little-endian followed by its bytes, so that no two
//! sequences look alike.

use std::fs::File;
use std::io;

use hpipe_core::{Digest, PortPath};
use serde_json::Value as Json;

use crate::error::Error;

/// Collects what a part of the work depends on.
pub(crate) struct ContentKey(blake3::Hasher);

impl ContentKey {
    /// A key of parts of one kind; the number in `what` is raised when equal inputs would give something else.
    pub(crate) fn new(what: &str) -> Self {
        let mut key = Self(blake3::Hasher::new());
        key.bytes(what.as_bytes());
        key
    }

    /// Adds bytes.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds a value; the order of keys does not count.
    pub(crate) fn json(&mut self, value: &Json) {
        self.text(&value.to_string());
    }

    /// The key.
    pub(crate) fn digest(&self) -> Digest {
        Digest::blake3(*self.0.finalize().as_bytes())
    }
}

/// The digest of the bytes of a dep.
///
/// # Errors
/// [`Error::ReadFile`].
pub(crate) fn digest_of(port: &PortPath) -> Result<Digest, Error> {
    let mut hasher = blake3::Hasher::new();
    let read = File::open(&port.path).and_then(|mut file| io::copy(&mut file, &mut hasher));
    read.map_err(|source| Error::ReadFile {
        path: port.declared.to_string(),
        source,
    })?;
    Ok(Digest::blake3(*hasher.finalize().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let key = |fields: [&str; 2]| {
            let mut key = ContentKey::new("t");
            fields.iter().for_each(|field| key.text(field));
            key.digest()
        };
        assert_ne!(key(["ab", "c"]), key(["a", "bc"]));
        assert_eq!(key(["a", "b"]), key(["a", "b"]));
    }
}
