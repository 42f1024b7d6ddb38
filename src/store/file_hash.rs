//! Hashes the bytes of one file, copying them on the way if asked to.
//!
//! A small file is read through one buffer. A large one is hashed on several threads: BLAKE3 is a tree of hashes, so parts
//! of the file are read and hashed apart and their hashes merged (BLAKE3 paper, section 2.1). Each part is read into a
//! buffer small enough for the processor's cache, which is as fast as mapping the file and, unlike a mapping, does not
//! kill the process when somebody truncates the file meanwhile. The threads stay within a [`WINDOW`] of the file, so that
//! a disk sees one forward scan.
//!
//! Deliberately does not know whether the file stayed the same meanwhile: see `content`.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use blake3::Hasher;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root,
};
use hpipe_core::Digest;
use rayon::ThreadPool;

/// Bytes read and hashed at once; a power of two, as subtrees of BLAKE3 are.
const PART: u64 = 256 * 1024;

/// Bytes of the file that threads share at a time; a power of two.
const WINDOW: u64 = 64 * 1024 * 1024;

/// Files of fewer bytes are hashed on the calling thread: less than the threads would take to wake.
pub(crate) const LARGE: u64 = 4 * 1024 * 1024;

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The digest of some bytes.
pub fn hash_bytes(bytes: &[u8]) -> Digest {
    Digest::blake3(*blake3::hash(bytes).as_bytes())
}

/// The digest and the size of the file at `path`, wherever it lies. Nothing is remembered of it.
///
/// # Errors
/// What opening and reading fail with.
pub fn hash_path(path: &std::path::Path) -> io::Result<(Digest, u64)> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    Ok((hash_file(&file, size, crate::Store::pool)?, size))
}

/// Hashes the first `size` bytes of the file, which is to say all of it; `pool` serves large ones.
///
/// # Errors
/// What reading fails with; [`io::ErrorKind::UnexpectedEof`] when the file is shorter by now.
pub(crate) fn hash_file(file: &File, size: u64, pool: Pool) -> io::Result<Digest> {
    Pass { file, copy: None }.over(size, pool)
}

/// Hashes the first `size` bytes of the file and writes them to the empty file `copy`: each byte is read once, and what
/// is hashed is what is written.
///
/// # Errors
/// What reading or writing fails with; [`io::ErrorKind::UnexpectedEof`] when the file is shorter by now.
pub(crate) fn copy_file(file: &File, copy: &File, size: u64, pool: Pool) -> io::Result<Digest> {
    let copy = Some(copy);
    Pass { file, copy }.over(size, pool)
}

/// The threads for large files, asked for only when there is one; none where threads cannot be had.
pub(crate) type Pool = fn() -> Option<&'static ThreadPool>;

/// One reading of a file.
#[derive(Clone, Copy)]
struct Pass<'a> {
    file: &'a File,
    /// Takes what was read.
    copy: Option<&'a File>,
}

impl Pass<'_> {
    fn over(self, size: u64, pool: Pool) -> io::Result<Digest> {
        match (size >= LARGE).then(pool).flatten() {
            Some(pool) => pool.install(|| self.apart(size)),
            None => self.forward(size),
        }
    }

    fn forward(self, size: u64) -> io::Result<Digest> {
        let mut hasher = Hasher::new();
        let mut offset = 0;
        while offset < size {
            let length = PART.min(size - offset);
            self.with_part(offset, length, |part| {
                hasher.update(part);
            })?;
            offset += length;
        }
        Ok(Digest::blake3(*hasher.finalize().as_bytes()))
    }

    fn apart(self, size: u64) -> io::Result<Digest> {
        let (left, right) = self.halves(0, size)?;
        let root = merge_subtrees_root(&left, &right, Mode::Hash);
        Ok(Digest::blake3(*root.as_bytes()))
    }

    fn subtree(self, offset: u64, length: u64) -> io::Result<ChainingValue> {
        if length <= PART {
            return self.with_part(offset, length, |part| {
                Hasher::new()
                    .set_input_offset(offset)
                    .update(part)
                    .finalize_non_root()
            });
        }
        let (left, right) = self.halves(offset, length)?;
        Ok(merge_subtrees_non_root(&left, &right, Mode::Hash))
    }

    fn halves(self, offset: u64, length: u64) -> io::Result<(ChainingValue, ChainingValue)> {
        let middle = left_subtree_len(length);
        let left = || self.subtree(offset, middle);
        let right = || self.subtree(offset + middle, length - middle);
        if length > WINDOW {
            Ok((left()?, right()?))
        } else {
            let (left, right) = rayon::join(left, right);
            Ok((left?, right?))
        }
    }

    /// Reads a part of the file, lends it to `use_part` and hands it on to the copy.
    fn with_part<T>(
        self,
        offset: u64,
        length: u64,
        use_part: impl FnOnce(&[u8]) -> T,
    ) -> io::Result<T> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.len() < length {
                buffer.resize(length, 0);
            }
            let part = &mut buffer[..length];
            self.file.read_exact_at(part, offset)?;
            if let Some(copy) = self.copy {
                copy.write_all_at(part, offset)?;
            }
            Ok(use_part(part))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashing_apart_is_plain_blake3() {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(3)
            .build()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..9_000_001_u32)
            .map(|i| (i * 7 + i / 251) as u8)
            .collect();
        for size in [
            0,
            1,
            1024,
            262_144,
            262_145,
            LARGE as usize,
            LARGE as usize + 1,
            bytes.len(),
        ] {
            let path = folder.path().join("f");
            std::fs::write(&path, &bytes[..size]).unwrap();
            let file = File::open(&path).unwrap();
            let expect = hash_bytes(&bytes[..size]);
            let copy_path = folder.path().join("copy");
            let copy = File::create(&copy_path).unwrap();
            let pass = Pass {
                file: &file,
                copy: Some(&copy),
            };
            assert_eq!(pass.forward(size as u64).unwrap(), expect, "{size}");
            if size as u64 > PART {
                copy.set_len(0).unwrap();
                let apart = pool.install(|| pass.apart(size as u64));
                assert_eq!(apart.unwrap(), expect, "{size}");
            }
            assert!(std::fs::read(copy_path).unwrap() == bytes[..size], "{size}");
        }
    }

    #[test]
    fn a_file_shorter_than_said_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        let error = hash_file(&File::open(&path).unwrap(), 4, || None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
