//! The run cache: stage key → what its execution made. Format page: `docs/formats/run_cache.md`.
//!
//! A record is written last, when every out it names is an object, and created by linking a finished file to its name, so
//! that of two processes that executed the same stage the first result stands, whole. A second one that differs is handed
//! back to be reported as not reproducible; only a forced execution replaces it, and then the old one stays beside it
//! under the id of its attempt.
//!
//! The file begins with a line that holds the version and the digest of the rest, so that whatever a lost power supply or
//! a full disk left of it is recognised: a warning, and the stage executes.
//!
//! Does not look at the outs: whether their objects are there is asked when they are needed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use hpipe_core::{Content, ContentKind, Digest, ProjectPath};
use rustix::system::uname;
use serde::{Deserialize, Serialize};

use crate::disk::{self, Mode};
use crate::file_hash::hash_bytes;
use crate::objects::ObjectId;
use crate::{Attempt, Error, Store};

/// The first words of a record; the number is the version.
const HEADER: &str = "hpipe-run 1 ";

/// The result of one execution.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// The stage key: the digest of everything the result may depend on.
    pub key: Digest,
    /// What it made.
    pub outs: Vec<OutRecord>,
    /// The id of the attempt that made it.
    pub attempt: String,
    /// Digest and bytes of its log, if that is kept as an object.
    pub log: Option<(Digest, u64)>,
    /// The exit code.
    pub exit: i32,
    /// When it began: milliseconds since 1970-01-01T00:00:00Z.
    pub started: u64,
    /// How long it took, in seconds; kept to the microsecond.
    pub seconds: f64,
    /// The name of the machine it executed on.
    pub host: String,
}

/// An out as an execution made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutRecord {
    /// Where it belongs.
    pub path: ProjectPath,
    /// What it is.
    pub content: Content,
    /// Whether it was stored as an object.
    pub cached: bool,
}

/// What became of a record that was to be published.
#[derive(Debug, Clone, PartialEq)]
pub enum Published {
    /// It is the first for its key.
    New,
    /// A record with the same outs stood already, and stays.
    Same,
    /// A record with other outs stood already, and stays: the stage is not reproducible.
    Differs(RunRecord),
    /// A record with other outs stood already, and was replaced: as asked for, or because its objects are gone.
    Replaced,
}

impl RunRecord {
    /// Whether both made the same bytes at the same paths.
    pub fn same_result(&self, other: &Self) -> bool {
        let results = |record: &Self| {
            let mut results: Vec<_> = record
                .outs
                .iter()
                .map(|out| (out.path.clone(), out.content.kind, out.content.digest))
                .collect();
            results.sort();
            results
        };
        results(self) == results(other)
    }
}

impl Store {
    /// The record of the execution with this key, if there is one; a damaged one is a warning and none.
    pub fn run_record(&self, key: &Digest) -> Option<RunRecord> {
        let path = self.cache.run(key);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                self.warnings
                    .add(format!("failed to read {}: {error}", path.display()));
                return None;
            }
        };
        let record = decode(&bytes).filter(|record| record.key == *key);
        if record.is_none() {
            self.warnings.add(format!(
                "the run record {} is damaged; it counts as missing",
                path.display()
            ));
        }
        record
    }

    /// The record of an attempt that succeeded and made `outs`; its log is stored as an object.
    ///
    /// # Errors
    /// [`Error::Read`] when the log cannot be read, or what writing the cache fails with.
    pub fn record_of(
        &self,
        attempt: &Attempt,
        key: Digest,
        outs: Vec<OutRecord>,
        seconds: f64,
    ) -> Result<RunRecord, Error> {
        Ok(RunRecord {
            key,
            outs,
            attempt: attempt.id().to_owned(),
            log: match attempt.log() {
                Some((path, _)) => Some(self.store_log(path)?),
                None => None,
            },
            exit: 0,
            started: attempt.started(),
            seconds,
            host: host().to_owned(),
        })
    }

    /// Publishes what an execution made, all of whose cached outs have been committed.
    ///
    /// `replace`: a record with other outs gives way to this one (the execution was forced).
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn publish_run(&self, record: &RunRecord, replace: bool) -> Result<Published, Error> {
        let target = self.cache.run(&record.key);
        let gate = self.publishing()?;
        let cached = record.outs.iter().filter(|out| out.cached);
        self.keep_through(&gate, cached.map(|out| (&out.path, &out.content)))?;
        let mut built = self.cache.temporary()?;
        let file = built.create(Mode::Plain)?;
        disk::write(&file, encode(record).as_bytes()).map_err(Error::write(&target))?;
        drop(file);
        if built.place_first(&target)? {
            return Ok(Published::New);
        }
        let outcome = match self.run_record(&record.key) {
            None => Published::New,
            Some(standing) if standing.outs == record.outs => return Ok(Published::Same),
            Some(standing) if standing.same_result(record) => Published::Same,
            // A first result whose objects are gone stands for nothing any more.
            Some(standing) if !replace && self.is_whole(&standing) => {
                return Ok(Published::Differs(standing));
            }
            Some(standing) => {
                keep_in_history(&target, &standing)?;
                Published::Replaced
            }
        };
        built.rename_to(&target).map_err(Error::place(&target))?;
        Ok(outcome)
    }

    /// Publishes records again that somebody removed before a lock file named their keys.
    ///
    /// # Errors
    /// As [`publish_run`](Self::publish_run).
    pub fn keep_runs(&self, records: &[RunRecord]) -> Result<(), Error> {
        if records.is_empty() || !self.publishing()?.removed_meanwhile {
            return Ok(());
        }
        for record in records {
            if !self.cache.run(&record.key).exists() {
                let mut record = record.clone();
                // What was printed may have gone too.
                record.log = record
                    .log
                    .filter(|&(digest, size)| self.objects().has(ObjectId { digest, size }));
                self.publish_run(&record, false)?;
            }
        }
        Ok(())
    }

    /// Whether every out of a record that was stored is still there.
    fn is_whole(&self, record: &RunRecord) -> bool {
        let mut cached = record.outs.iter().filter(|out| out.cached);
        cached.all(|out| self.has(&out.content))
    }
}

/// The name of this machine.
pub fn host() -> &'static str {
    static HOST: OnceLock<String> = OnceLock::new();
    HOST.get_or_init(|| uname().nodename().to_string_lossy().into_owned())
}

/// Gives a record that is about to be replaced a second name beside its own.
fn keep_in_history(target: &Path, standing: &RunRecord) -> Result<(), Error> {
    let history = history_path(target, &standing.attempt);
    match disk::hard_link(target, &history) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::place(&history)(error))
        }
        _ => Ok(()),
    }
}

fn history_path(target: &Path, attempt: &str) -> PathBuf {
    let safe: String = attempt
        .chars()
        .map(|c| if c == '/' || c == '\0' { '_' } else { c })
        .collect();
    let mut name = target.as_os_str().to_owned();
    name.push(".");
    name.push(safe);
    PathBuf::from(name)
}

/// A record as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    key: Digest,
    attempt: String,
    host: String,
    started_ms: u64,
    duration_us: u64,
    exit: i32,
    log: Option<WrittenObject>,
    outs: Vec<WrittenOut>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenObject {
    digest: Digest,
    size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOut {
    path: String,
    kind: WrittenKind,
    digest: Digest,
    object_size: u64,
    size: u64,
    files: u64,
    executable: bool,
    cached: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenKind {
    File,
    Folder,
}

fn encode(record: &RunRecord) -> String {
    let written = Written {
        key: record.key,
        attempt: record.attempt.clone(),
        host: record.host.clone(),
        started_ms: record.started,
        duration_us: (record.seconds * 1e6).round() as u64,
        exit: record.exit,
        log: record
            .log
            .map(|(digest, size)| WrittenObject { digest, size }),
        outs: record.outs.iter().map(write_out).collect(),
    };
    // Texts, integers and lists of them always have a JSON form.
    let body = serde_json::to_string_pretty(&written).unwrap_or_default();
    format!("{HEADER}{}\n{body}\n", hash_of(&body))
}

fn hash_of(body: &str) -> Digest {
    hash_bytes(format!("{body}\n").as_bytes())
}

/// The record, if the bytes are a whole one.
pub(crate) fn decode(bytes: &[u8]) -> Option<RunRecord> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (header, body) = text.split_once('\n')?;
    let digest: Digest = header.strip_prefix(HEADER)?.parse().ok()?;
    if hash_bytes(body.as_bytes()) != digest {
        return None;
    }
    let written: Written = serde_json::from_str(body).ok()?;
    Some(RunRecord {
        key: written.key,
        outs: written.outs.into_iter().map(read_out).collect(),
        attempt: written.attempt,
        log: written.log.map(|log| (log.digest, log.size)),
        exit: written.exit,
        started: written.started_ms,
        seconds: written.duration_us as f64 / 1e6,
        host: written.host,
    })
}

fn write_out(out: &OutRecord) -> WrittenOut {
    let Content {
        kind,
        digest,
        object_size,
        size,
        files,
        executable,
    } = out.content;
    WrittenOut {
        path: out.path.to_string(),
        kind: match kind {
            ContentKind::File => WrittenKind::File,
            ContentKind::Folder => WrittenKind::Folder,
        },
        digest,
        object_size,
        size,
        files,
        executable,
        cached: out.cached,
    }
}

fn read_out(out: WrittenOut) -> OutRecord {
    OutRecord {
        path: ProjectPath::new(&out.path),
        content: Content {
            kind: match out.kind {
                WrittenKind::File => ContentKind::File,
                WrittenKind::Folder => ContentKind::Folder,
            },
            digest: out.digest,
            object_size: out.object_size,
            size: out.size,
            files: out.files,
            executable: out.executable,
        },
        cached: out.cached,
    }
}
