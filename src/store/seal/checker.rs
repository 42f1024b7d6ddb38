//! Asks the disk and the environment whether a condition holds.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use hpipe_core::Digest;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, openat, statat};
use rustix::io::Errno;

use super::file::{Kind, Value, Written};
use crate::Store;
use crate::cache_folder::CacheFolder;
use crate::file_hash::hash_bytes;
use crate::file_stat::FileStat;
use crate::witness::key_path;

/// Checks conditions. Paths are asked for from the project's root, which spares the kernel the way there.
pub(super) struct Checker<'a> {
    store: &'a Store,
    root: OwnedFd,
    /// None when there is no object.
    objects: Option<OwnedFd>,
    outside: &'a Outside<'a>,
}

/// What a seal rests on and the store does not know.
pub struct Outside<'a> {
    /// The value of a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Whether an entry of a folder that is searched matters, by its name and whether it is a folder.
    pub matters: &'a dyn Fn(&[u8], bool) -> bool,
}

impl<'a> Checker<'a> {
    /// None when the root cannot be opened.
    pub(super) fn new(store: &'a Store, outside: &'a Outside<'a>) -> Option<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |path: &Path| openat(CWD, path, flags, Mode::empty()).ok();
        Some(Self {
            store,
            root: open(store.root())?,
            objects: open(&store.cache.objects()),
            outside,
        })
    }

    /// Whether a condition holds now.
    pub(super) fn holds(&self, condition: Written<'_>) -> bool {
        let Written { kind, key, value } = condition;
        let is_digest =
            |found: Option<Digest>| found.is_some_and(|found| Value::of_digest(&found) == value);
        match kind {
            Kind::Stat => {
                let found = statat(&self.root, key, AtFlags::empty());
                found.is_ok_and(|found| Value::of_stat(&FileStat::of_kernel(&found)) == value)
            }
            Kind::Absent => {
                let found = statat(&self.root, key, AtFlags::empty());
                matches!(found, Err(Errno::NOENT | Errno::NOTDIR))
            }
            Kind::Folder => self.is_folder(key, AtFlags::empty()),
            Kind::PlainFolder => self.is_folder(key, AtFlags::SYMLINK_NOFOLLOW),
            Kind::Text => is_digest(self.text(key)),
            Kind::Leads => is_digest(real_path(&self.store.root().join(key_path(key)))),
            Kind::Variable => is_digest(self.variable(key).map(|now| hash_bytes(now.as_bytes()))),
            Kind::NoVariable => self.variable(key).is_none(),
            Kind::Names => self.names(key, value) == Some(true),
            Kind::Object => self.object(key).is_some_and(|found| {
                FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
                    && Value::of_size(found.st_size.cast_unsigned()) == value
            }),
            Kind::Shard => self.shard(key).is_some_and(|found| found == value),
            Kind::Node => self
                .object(key)
                .is_some_and(|found| Value::of_stat(&FileStat::of_kernel(&found)) == value),
        }
    }

    fn is_folder(&self, key: &[u8], flags: AtFlags) -> bool {
        let kind = |found: Stat| FileType::from_raw_mode(found.st_mode);
        statat(&self.root, key, flags).map(kind) == Ok(FileType::Directory)
    }

    fn text(&self, key: &[u8]) -> Option<Digest> {
        let bytes = fs::read(self.store.root().join(key_path(key))).ok()?;
        Some(hash_bytes(&bytes))
    }

    fn variable(&self, key: &[u8]) -> Option<String> {
        (self.outside.variable)(std::str::from_utf8(key).ok()?)
    }

    fn names(&self, key: &[u8], value: Value) -> Option<bool> {
        let path = self.store.root().join(key_path(key));
        let state = FileStat::new(&fs::metadata(&path).ok()?);
        if value.same_state(&Value::of_names(&Digest::blake3([0; 32]), Some(&state))) {
            return Some(true);
        }
        let names = names_in(&path, self.outside.matters)?;
        Some(value.same_names(&Value::of_names(&names, None)))
    }

    fn shard(&self, key: &[u8]) -> Option<Value> {
        let name = CacheFolder::shard_name(*key.first()?);
        let found = statat(self.objects.as_ref()?, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(Value::of_stat(&FileStat::of_kernel(&found)))
    }

    fn object(&self, digest: &[u8]) -> Option<Stat> {
        let digest = Digest::blake3(digest.try_into().ok()?);
        let name = CacheFolder::object_name(&digest);
        statat(self.objects.as_ref()?, name, AtFlags::SYMLINK_NOFOLLOW).ok()
    }
}

/// The digest of the names in a folder that matter; none when it cannot be listed, or when a link is among them, for then
/// it matters where that leads.
pub(super) fn names_in(path: &Path, matters: &dyn Fn(&[u8], bool) -> bool) -> Option<Digest> {
    let mut names = Names::default();
    for entry in fs::read_dir(path).ok()? {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        let name = entry.file_name();
        if matters(name.as_bytes(), kind.is_dir()) {
            names.add(name.as_bytes(), kind.is_dir(), kind.is_symlink());
        }
    }
    names.digest()
}

/// The names in a folder that matter to a search.
#[derive(Debug, Default)]
pub struct Names {
    found: Vec<(Vec<u8>, bool)>,
    is_unclear: bool,
}

impl Names {
    /// Adds an entry.
    pub fn add(&mut self, name: &[u8], is_folder: bool, is_link: bool) {
        self.found.push((name.to_vec(), is_folder));
        self.is_unclear |= is_link;
    }

    /// The digest of all; none when a link is among them, for then it matters where that leads.
    pub fn digest(&mut self) -> Option<Digest> {
        self.found.sort_unstable();
        let mut bytes = Vec::new();
        for (name, is_folder) in &self.found {
            bytes.extend((name.len() as u64).to_le_bytes());
            bytes.extend(name);
            bytes.push(u8::from(*is_folder));
        }
        (!self.is_unclear).then(|| hash_bytes(&bytes))
    }
}

/// The digest of where a path really lies.
pub(super) fn real_path(path: &Path) -> Option<Digest> {
    let real = path.canonicalize().ok()?;
    Some(hash_bytes(real.as_os_str().as_bytes()))
}
