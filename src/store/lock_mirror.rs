//! The lock file once more, in a form that is read forty times as fast. Format page: `docs/formats/lock_mirror.md`.
//!
//! YAML is for people and for git; reading it takes some twenty microseconds a stage. So what was read or written is kept
//! in binary too, under `.cache/`, with the digest of the text it stands for: it is used only for exactly that text. It is
//! written at the end of a command that could not use one, and only where there is something to win.

use std::collections::BTreeMap;

use hpipe_core::{Binary as _, Bytes, Digest, binary};

use crate::lock_file::{LockAction, LockDep, LockEntry, LockFile, LockOut, LockParams};

/// `hpipe`, a zero byte, `L` for lock, and the version.
const MAGIC: [u8; 8] = *b"hpipe\0L\x01";

/// Separates these checksums from every other use of BLAKE3. Another version of hpipe may read a lock file otherwise.
const CONTEXT: &str = concat!("hpipe lock mirror of ", env!("CARGO_PKG_VERSION"));

/// The checksum at the end.
const CHECKSUM: usize = 32;

/// Writes what the text of `digest` says.
pub(crate) fn encode(digest: &Digest, lock: &LockFile) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    digest.put(&mut bytes);
    lock.stages.put(&mut bytes);
    let checksum = checksum(&bytes);
    bytes.extend(checksum);
    bytes
}

/// Reads what the text of `digest` says; none if this speaks of another text, or is damaged.
pub(crate) fn decode(bytes: &[u8], digest: &Digest) -> Option<LockFile> {
    let (body, found) = bytes.split_at(bytes.len().checked_sub(CHECKSUM)?);
    let mut reader = Bytes::new(body);
    let is_ours = reader.next(MAGIC.len())? == MAGIC && Digest::take(&mut reader)? == *digest;
    if !is_ours || checksum(body) != found {
        return None;
    }
    let stages = BTreeMap::take(&mut reader)?;
    reader.is_empty().then_some(LockFile { stages })
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}

binary!(struct LockEntry { key, action, wdir, env, deps, params, outs });
binary!(enum LockAction { 0 => Cmd(commands), 1 => Builtin { name, version, with } });
binary!(struct LockDep { path, role, content });
binary!(struct LockParams { file, values });
binary!(struct LockOut { path, role, kind, cached, persist, content });

#[cfg(test)]
mod tests {
    use hpipe_core::{ProjectPath, StageName};

    use super::*;

    const TEXT: &str = "schema: hpipe/1
stages:
  a:
    key: blake3:0101010101010101010101010101010101010101010101010101010101010101
    cmd:
      - echo
    wdir: sub
    env:
      A: x
      B: null
    deps:
      - path: in
        digest: blake3:0202020202020202020202020202020202020202020202020202020202020202
        size: 3
        executable: true
      - path: folder
        role: rows
        digest: blake3:0303030303030303030303030303030303030303030303030303030303030303
        size: 4
        files: 2
        node: 90
    params:
      - file: params.yaml
        values:
          lr: 0.1
          large:
            \"!int\": \"36893488147419103232\"
          \"\": {a: [1, null, true], b: {c: text}}
    outs:
      - path: out
        kind: metrics
        digest: blake3:0202020202020202020202020202020202020202020202020202020202020202
        size: 3
        cache: false
        persist: true
  b:
    key: blake3:0404040404040404040404040404040404040404040404040404040404040404
    uses: train
    version: 3
    with: {trees: 5}
";

    fn lock() -> (Digest, LockFile) {
        let name = std::path::Path::new("pipeline.lock");
        let lock = crate::lock_format::parse(TEXT.as_bytes(), name).unwrap();
        (crate::file_hash::hash_bytes(TEXT.as_bytes()), lock)
    }

    #[test]
    fn reads_back_what_it_wrote() {
        let (digest, lock) = lock();
        assert_eq!(decode(&encode(&digest, &lock), &digest), Some(lock));
        let empty = LockFile::default();
        assert_eq!(decode(&encode(&digest, &empty), &digest), Some(empty));
    }

    #[test]
    fn bytes_are_as_documented() {
        let digest = Digest::blake3([5; 32]);
        let entry = LockEntry {
            key: Digest::blake3([6; 32]),
            action: LockAction::Cmd(vec!["c".to_owned()]),
            wdir: ProjectPath::root(),
            env: BTreeMap::new(),
            deps: Vec::new(),
            params: Vec::new(),
            outs: Vec::new(),
        };
        let stages = [(StageName::known("s"), entry.into())].into();
        let bytes = encode(&digest, &LockFile { stages });
        let mut expected = b"hpipe\0L\x01\x01".to_vec();
        expected.extend([5; 32]);
        let one = 1_u64.to_le_bytes();
        expected.extend(
            [
                &one[..],
                &one,
                b"s",
                &[1],
                &[6; 32],
                &[0],
                &one,
                &one,
                b"c",
                &one,
                b".",
            ]
            .concat(),
        );
        expected.extend([0; 4 * 8]);
        assert_eq!(bytes[..bytes.len() - CHECKSUM], expected);
    }

    #[test]
    fn another_text_and_damage_are_a_miss() {
        let (digest, lock) = lock();
        let bytes = encode(&digest, &lock);
        assert_eq!(decode(&bytes, &Digest::blake3([0; 32])), None);
        for at in 0..bytes.len() {
            let mut harmed = bytes.clone();
            harmed[at] ^= 0x41;
            assert_eq!(decode(&harmed, &digest), None, "flipped at {at}");
            assert_eq!(decode(&bytes[..at], &digest), None, "cut at {at}");
        }
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let (digest, lock) = lock();
        let bytes = encode(&digest, &lock);
        let body = &bytes[..bytes.len() - CHECKSUM];
        for at in 41..body.len() {
            let mut harmed = body.to_vec();
            harmed[at] = !harmed[at];
            let checksum = checksum(&harmed);
            harmed.extend(checksum);
            let _ = decode(&harmed, &digest); // it may read something, but it must come back
        }
    }
}
