//! The store: one project's workspace, its cache folder and what is known of both.
//!
//! Holds what the parts share: paths, the stat cache, the clock, the threads, the warnings. What can be done with them
//! stands with each part: `content`, `commit`, `restore`, `run_cache`, `lock_file`, `locks`, `attempts`, `durations`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use hpipe_core::with_causes;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::attempts::Session;
use crate::cache_folder::CacheFolder;
use crate::clock::Clock;
use crate::collection::Seen;
use crate::disk::{self, Durability};
use crate::lock_file::LockMemory;
use crate::objects::Objects;
use crate::pipeline_mirror::Unwritten;
use crate::scratch::Temporary;
use crate::stat_cache::{self, StatCache};
use crate::vital::Vital;
use crate::warnings::Warnings;
use crate::witness::Witnesses;
use crate::{Error, LinkType};

/// Bytes: room for the deepest folder the walk follows.
const STACK: usize = 8 * 1024 * 1024;

/// Everything hpipe keeps on disk for one project. May be used from many threads and by many processes at once.
#[derive(Debug)]
pub struct Store {
    pub(crate) root: PathBuf,
    pub(crate) links: Vec<LinkType>,
    pub(crate) warnings: Warnings,
    pub(crate) lock_memory: LockMemory,
    pub(crate) pipeline_mirrors: Unwritten,
    pub(crate) stat_cache: OnceLock<StatCache>,
    /// Shared with the replicas of this store.
    pub(crate) session: Arc<OnceLock<Session>>,
    pub(crate) witnesses: Witnesses,
    // Declared before the cache folder, whose scratch folder holds its probe: fields are dropped in order.
    pub(crate) clock: Clock,
    pub(crate) cache: CacheFolder,
    /// Whether every file is read, whatever is known of its times.
    pub(crate) rereads: bool,
    /// What was removed from the cache before this was opened, see `collection`.
    pub(crate) seen: Seen,
    pub(crate) vital: OnceLock<Vital>,
    /// The root, when this is a copy of the project: it goes with the store, last of all.
    pub(crate) replica: Option<Temporary>,
}

impl Store {
    /// Opens the store of the project at `root` with its cache folder at `cache` (relative to `root`, or absolute).
    ///
    /// Creates nothing: the folder comes into being with the first thing written there.
    ///
    /// # Errors
    /// [`Error::Read`] when `root` is no folder that can be found.
    pub fn open(root: &Path, cache: &Path) -> Result<Self, Error> {
        Self::open_shared(root, cache, cache)
    }

    /// As [`open`](Self::open), but objects, run records and the memo, which projects may share, lie in `cache`, and all
    /// else in `own`.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_shared(root: &Path, cache: &Path, own: &Path) -> Result<Self, Error> {
        let root = root.canonicalize().map_err(Error::read(root))?;
        let found = |path: &Path| {
            let path = root.join(path);
            path.canonicalize().unwrap_or(path)
        };
        let cache = CacheFolder::with_own(found(cache), found(own));
        Ok(Self {
            root,
            links: LinkType::PREFERRED.to_vec(),
            warnings: Warnings::default(),
            lock_memory: LockMemory::default(),
            pipeline_mirrors: Unwritten::default(),
            stat_cache: OnceLock::new(),
            session: Arc::default(),
            witnesses: Witnesses::default(),
            clock: Clock::default(),
            rereads: false,
            seen: Seen::of(&cache.collections()),
            vital: OnceLock::new(),
            cache,
            replica: None,
        })
    }

    /// Restores files by the first of these ways of linking that can be had, from now on; by copying if none can.
    #[must_use]
    pub fn with_links(mut self, links: &[LinkType]) -> Self {
        self.links = links.to_vec();
        self
    }

    /// Reads every file that is asked about, once, whatever its times say: a write through a mapping to memory changes
    /// none, and neither does a disk that forgets.
    #[must_use]
    pub const fn rereading(mut self, rereads: bool) -> Self {
        self.rereads = rereads;
        self
    }

    /// Whether every file is read, whatever is known of its times.
    pub const fn rereads(&self) -> bool {
        self.rereads
    }

    /// The folder of objects and records, if it is not the project's own: other projects may need what is in it.
    pub fn shared_cache(&self) -> Option<&Path> {
        let path = self.cache.path();
        (path != self.cache.own_path()).then_some(path)
    }

    /// The project's root, absolute.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The cache folder, absolute; it may not exist.
    pub fn cache_folder(&self) -> &Path {
        self.cache.path()
    }

    /// What was found damaged or could not be kept since the last call: lowercase fragments to print as warnings.
    pub fn take_warnings(&self) -> Vec<String> {
        self.warnings.take()
    }

    /// Writes the stat cache and the mirrors of lock and pipeline files, if anything was learned. Call it at the end of a
    /// command; a failure is a warning.
    ///
    /// Of a replica nothing is written: it knows files by the paths that the project's own have.
    pub fn flush(&self) {
        if !self.is_replica() {
            self.write_mirrors();
            self.write_pipeline_mirrors();
        }
        let Some(stat_cache) = self.stat_cache.get().filter(|_| !self.is_replica()) else {
            return;
        };
        let Some(reading) = self.clock.read(&self.cache) else {
            return; // the cache cannot be written, so nothing was learned either
        };
        let boot = stat_cache::this_boot();
        if let Some(bytes) = stat_cache.changed_bytes(boot, reading.nanoseconds()) {
            self.write_hint(&self.cache.stat_cache(), &bytes);
        }
    }

    /// Writes a file whose loss costs only time; a failure is a warning.
    pub(crate) fn write_hint(&self, path: &Path, bytes: &[u8]) {
        let written = self
            .cache
            .own_temporary()
            .and_then(|temporary| disk::write_whole(temporary, path, bytes, Durability::Cached));
        if let Err(error) = written {
            self.warnings
                .add(format!("failed to {}", with_causes(&error)));
        }
    }

    /// The stat cache, loaded on first use.
    pub(crate) fn stat_cache(&self) -> &StatCache {
        self.stat_cache.get_or_init(|| match self.is_replica() {
            true => StatCache::default(),
            false => {
                let loaded = StatCache::load(&self.cache.stat_cache(), &self.warnings);
                match self.rereads {
                    true => loaded.distrusting(),
                    false => loaded,
                }
            }
        })
    }

    /// The object store.
    pub(crate) const fn objects(&self) -> Objects<'_> {
        Objects {
            cache: &self.cache,
            warnings: &self.warnings,
        }
    }

    /// The threads that hash and copy, started on first use; none where threads cannot be had.
    ///
    /// Not rayon's shared pool: a built-in stage may keep that busy for minutes, and every stage's start waits for
    /// hashes.
    pub(crate) fn pool() -> Option<&'static ThreadPool> {
        static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
        let start = || {
            ThreadPoolBuilder::new()
                .thread_name(|i| format!("hpipe-store-{i}"))
                .stack_size(STACK)
                .build()
                .ok()
        };
        POOL.get_or_init(start).as_ref()
    }

    /// Runs `work`, which uses rayon, on the store's threads.
    pub(crate) fn in_parallel<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        match Self::pool() {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}
