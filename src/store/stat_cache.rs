//! Remembers digests of files that have not changed since: path, size, times, inode, device → digest. Format page:
//! `docs/formats/stat_cache.md`.
//!
//! A flat file of records sorted by path, read whole and searched in place: a hundred thousand entries load in a few
//! milliseconds and take no more memory than the file. What is learned during a command is kept beside it and merged when
//! the command ends. Nothing is merged with what other processes wrote meanwhile; it is only a cache, and the last writer
//! wins.
//!
//! An entry is inserted only if it proves its file unchanged (see `clock`), so that every entry may be believed, with one
//! exception: after a lost power supply a file system may have kept the new times of a file and its old bytes. So the
//! file names the boot it was written in, and after another boot files changed shortly before it was written are not
//! believed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{OnceLock, PoisonError, RwLock};

use hpipe_core::{Digest, HashFunction};

use crate::file_stat::FileStat;
use crate::warnings::Warnings;

/// `hpipe`, a zero byte, `S` for stat, and the version.
const MAGIC: [u8; 8] = *b"hpipe\0S\x01";

/// Magic, hash function and padding, boot, time of writing, number of records, bytes of all paths.
const HEADER: usize = 8 + 8 + 16 + 8 + 8 + 8;

/// End of the path, size, times, inode, device, digest.
const RECORD: usize = 6 * 8 + 32;

/// The checksum at the end.
const CHECKSUM: usize = 32;

/// Nanoseconds: what the kernel is given to write a changed file to the device, many times over.
const WRITEBACK: i64 = 600_000_000_000;

/// The boot a file was written in, by the kernel's random id; zeros where it is not known.
pub(crate) type Boot = [u8; 16];

/// What is known of files, and what was learned since it was loaded.
#[derive(Debug, Default)]
pub(crate) struct StatCache {
    table: Table,
    /// Whether only what was learned since it was loaded is believed.
    distrusts_table: bool,
    learned: RwLock<HashMap<Vec<u8>, (FileStat, Digest)>>,
}

impl StatCache {
    /// Loads the file at `path`. One that is missing is empty; one that is damaged is empty and a warning.
    pub(crate) fn load(path: &Path, warnings: &Warnings) -> Self {
        let Ok(bytes) = std::fs::read(path) else {
            return Self::default();
        };
        let table = Table::parse(bytes).unwrap_or_else(|| {
            warnings.add(format!(
                "the stat cache {} is damaged; it counts as empty",
                path.display()
            ));
            Table::default()
        });
        Self {
            table,
            ..Self::default()
        }
    }

    /// Believes nothing of what was loaded: every file is read once more. What is not asked for is not forgotten.
    pub(crate) const fn distrusting(mut self) -> Self {
        self.distrusts_table = true;
        self
    }

    /// The digest of the file at `path`, if it is in the state it was recorded in.
    pub(crate) fn get(&self, path: &[u8], stat: &FileStat) -> Option<Digest> {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, digest)) = learned.get(path) {
            return (known == stat).then_some(*digest);
        }
        drop(learned);
        if self.distrusts_table {
            return None;
        }
        let record = self.table.find(path)?;
        (record.stat() == *stat && self.table.believes(stat)).then(|| record.digest())
    }

    /// Remembers a file whose state proves its content.
    pub(crate) fn insert(&self, path: &[u8], stat: FileStat, digest: Digest) {
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        learned.insert(path.to_vec(), (stat, digest));
    }

    /// The file that holds all that is known; none when nothing was learned.
    ///
    /// `now` is the time of the file system's clock, in nanoseconds since 1970.
    pub(crate) fn changed_bytes(&self, boot: Boot, now: i64) -> Option<Vec<u8>> {
        let learned = self.learned.read().unwrap_or_else(PoisonError::into_inner);
        if learned.is_empty() {
            return None;
        }
        let mut all: BTreeMap<&[u8], (FileStat, Digest)> = self
            .table
            .records()
            .map(|(path, record)| (path, (record.stat(), record.digest())))
            .filter(|(_, (stat, _))| self.table.believes(stat))
            .collect();
        all.extend(learned.iter().map(|(path, known)| (&path[..], *known)));
        Some(encode(&all, boot, now))
    }
}

/// The id of this boot of the machine.
pub(crate) fn this_boot() -> Boot {
    static BOOT: OnceLock<Boot> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        u128::from_str_radix(&digits, 16)
            .unwrap_or_default()
            .to_be_bytes()
    })
}

fn encode(all: &BTreeMap<&[u8], (FileStat, Digest)>, boot: Boot, now: i64) -> Vec<u8> {
    let path_bytes: usize = all.keys().map(|path| path.len()).sum();
    let mut bytes = Vec::with_capacity(HEADER + all.len() * RECORD + path_bytes + CHECKSUM);
    bytes.extend(MAGIC);
    bytes.extend([HashFunction::Blake3.tag(), 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(boot);
    bytes.extend(now.to_le_bytes());
    bytes.extend((all.len() as u64).to_le_bytes());
    bytes.extend((path_bytes as u64).to_le_bytes());
    let mut path_end = 0_u64;
    for (path, (stat, digest)) in all {
        path_end += path.len() as u64;
        bytes.extend(path_end.to_le_bytes());
        bytes.extend(stat.size.to_le_bytes());
        bytes.extend(stat.modified.to_le_bytes());
        bytes.extend(stat.changed.to_le_bytes());
        bytes.extend(stat.inode.to_le_bytes());
        bytes.extend(stat.device.to_le_bytes());
        bytes.extend(digest.as_bytes());
    }
    for path in all.keys() {
        bytes.extend(*path);
    }
    let checksum = blake3::hash(&bytes);
    bytes.extend(checksum.as_bytes());
    bytes
}

/// A loaded file, searched in place.
#[derive(Debug, Default)]
struct Table {
    bytes: Vec<u8>,
    count: usize,
    /// Files changed later than this are not believed; nanoseconds since 1970.
    believed_until: Option<i64>,
}

/// One record of a table.
#[derive(Clone, Copy)]
struct Record<'a>(&'a [u8]);

impl Table {
    /// Checks the form and the checksum; none when either is wrong.
    fn parse(bytes: Vec<u8>) -> Option<Self> {
        let body = bytes.len().checked_sub(CHECKSUM)?;
        let expected_head = [&MAGIC[..], &[HashFunction::Blake3.tag()], &[0; 7]].concat();
        if body < HEADER || bytes[..16] != expected_head {
            return None;
        }
        let count = usize::try_from(u64_at(&bytes, 40)).ok()?;
        let path_bytes = usize::try_from(u64_at(&bytes, 48)).ok()?;
        let expected = count
            .checked_mul(RECORD)?
            .checked_add(path_bytes)?
            .checked_add(HEADER)?;
        if body != expected || blake3::hash(&bytes[..body]).as_bytes()[..] != bytes[body..] {
            return None;
        }
        let same_boot = bytes[16..32] == this_boot();
        let written = u64_at(&bytes, 32).cast_signed();
        let table = Self {
            bytes,
            count,
            believed_until: (!same_boot).then(|| written.saturating_sub(WRITEBACK)),
        };
        table.is_consistent(path_bytes).then_some(table)
    }

    /// Whether the paths lie where the records say, in order. The checksum guards against damage; this against a writer
    /// with a fault.
    fn is_consistent(&self, path_bytes: usize) -> bool {
        let ends = (0..self.count).map(|i| self.path_end(i));
        ends.is_sorted() && self.path_end(self.count.wrapping_sub(1)) == path_bytes
    }

    fn believes(&self, stat: &FileStat) -> bool {
        self.believed_until
            .is_none_or(|until| stat.latest() <= until)
    }

    fn find(&self, path: &[u8]) -> Option<Record<'_>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.path(middle).cmp(path) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(self.record(middle)),
            }
        }
        None
    }

    fn records(&self) -> impl Iterator<Item = (&[u8], Record<'_>)> {
        (0..self.count).map(|i| (self.path(i), self.record(i)))
    }

    fn record(&self, i: usize) -> Record<'_> {
        let start = HEADER + i * RECORD;
        Record(&self.bytes[start..start + RECORD])
    }

    fn path(&self, i: usize) -> &[u8] {
        let start = HEADER + self.count * RECORD;
        let from = self.path_end(i.wrapping_sub(1));
        &self.bytes[start + from..start + self.path_end(i)]
    }

    /// Where the path of record `i` ends, from the start of all paths; 0 for the one before the first.
    fn path_end(&self, i: usize) -> usize {
        if i == usize::MAX {
            return 0;
        }
        let end = u64_at(&self.bytes, HEADER + i * RECORD);
        usize::try_from(end).unwrap_or(usize::MAX)
    }
}

impl Record<'_> {
    fn stat(&self) -> FileStat {
        FileStat {
            size: u64_at(self.0, 8),
            modified: u64_at(self.0, 16).cast_signed(),
            changed: u64_at(self.0, 24).cast_signed(),
            inode: u64_at(self.0, 32),
            device: u64_at(self.0, 40),
        }
    }

    fn digest(&self) -> Digest {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&self.0[48..RECORD]);
        Digest::blake3(bytes)
    }
}

fn u64_at(bytes: &[u8], start: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[start..start + 8]);
    u64::from_le_bytes(field)
}

#[cfg(test)]
mod tests;
