//! What lock files need, read from their text.

use std::collections::HashSet;

use hpipe_core::Digest;

/// How a digest begins where it is written.
const PREFIX: &[u8] = b"blake3:";

/// Bytes of a digest where it is written.
const WRITTEN: usize = PREFIX.len() + 64;

/// The digests that must stay: of objects, of folders with all they hold, and stage keys.
#[derive(Debug, Clone, Default)]
pub struct Needed(HashSet<Digest>);

impl Needed {
    /// Adds every digest that `text` names.
    ///
    /// The text need not be a whole lock file: one of another version, one with merge conflicts and one cut short keep
    /// what they name. It may name more than it needs (the digests of deps), never less.
    pub fn named_in(&mut self, text: &[u8]) {
        let mut rest = text;
        while let Some(at) = rest
            .windows(PREFIX.len())
            .position(|window| window == PREFIX)
        {
            rest = &rest[at..];
            let written = rest.get(..WRITTEN).map(std::str::from_utf8);
            if let Some(Ok(written)) = written
                && let Ok(digest) = written.parse()
            {
                self.0.insert(digest);
            }
            rest = &rest[PREFIX.len()..];
        }
    }

    /// Adds one digest.
    pub fn insert(&mut self, digest: Digest) {
        self.0.insert(digest);
    }

    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.0.contains(digest)
    }

    pub(crate) fn digests(&self) -> impl Iterator<Item = Digest> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_in_a_text_is_needed() {
        let digest = |byte| Digest::blake3([byte; 32]);
        let text = format!(
            "<<<<<<<\n  key: {}\n=======\n\"{}\"{}blake3:blake3:{}blake3:00",
            digest(1),
            digest(2),
            digest(3),
            digest(4)
        );
        let mut needed = Needed::default();
        needed.named_in(text.as_bytes());
        let mut found: Vec<_> = needed.digests().collect();
        found.sort();
        assert_eq!(found, [digest(1), digest(2), digest(3), digest(4)]);
        let upper = digest(0xab).to_string().to_uppercase();
        let mut needed = Needed::default();
        needed.named_in(upper.as_bytes());
        needed.named_in(b"blake3:");
        assert_eq!(needed.digests().count(), 0);
    }
}
