//! The file system's own clock, and what it proves about a file.
//!
//! A file's times can only tell two states apart when the clock ticked between them, and ticks are coarse (up to 10 ms on
//! Linux, 2 s on FAT). So a digest is remembered only for a file whose times are strictly older than a reading of the
//! clock taken *before* the file was looked at: whoever changes the file later gets a time not older than that reading,
//! and so one that differs. It is the rule by which git's index treats entries as young as itself.
//!
//! The clock is read by touching a file of ours and asking for its change time, because a network file system stamps with
//! the server's clock, and because only the file system knows its tick. Files on another device than the cache must be
//! [`FOREIGN_MARGIN`] older: their ticks may be coarser. (Devices of one machine share one clock; a server's that stands
//! more than the margin behind ours is not guarded against for files written twice within one of its ticks.)

use std::fs::File;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use crate::cache_folder::CacheFolder;
use crate::disk::Mode;
use crate::file_stat::FileStat;
use crate::scratch::Temporary;

/// Nanoseconds: the coarsest tick in use.
const FOREIGN_MARGIN: i64 = 2_000_000_000;

/// How long [`Clock::await_tick`] waits at most: two ticks of the slowest kernel configuration.
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// The clock of the file system the cache lies on.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// None when the cache cannot be written: then nothing can be proved, and nothing is remembered.
    probe: OnceLock<Option<(File, Temporary)>>,
    last: Mutex<Option<Reading>>,
}

/// A reading of the clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading {
    nanoseconds: i64,
    device: u64,
}

impl Clock {
    /// What the clock says now; none when the cache cannot be written.
    pub(crate) fn read(&self, cache: &CacheFolder) -> Option<Reading> {
        let probe = self.probe.get_or_init(|| {
            let temporary = cache.own_temporary().ok()?;
            Some((temporary.create(Mode::Plain).ok()?, temporary))
        });
        let (file, _) = probe.as_ref()?;
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_NOW,
        };
        let both = Timestamps {
            last_access: now,
            last_modification: now,
        };
        futimens(file, &both).ok()?;
        let stat = FileStat::new(&file.metadata().ok()?);
        let reading = Reading {
            nanoseconds: stat.changed,
            device: stat.device,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        Some(reading)
    }

    /// A reading, not necessarily of now, that was taken after the file came into this state, if one can be had.
    ///
    /// For files that have been lying there it is the last one taken, and the clock is left alone.
    pub(crate) fn read_for(&self, cache: &CacheFolder, stat: &FileStat) -> Option<Reading> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last {
            Some(reading) if reading.is_after(stat) => last,
            _ => self.read(cache),
        }
    }

    /// Reads the clock; if the file was changed within the present tick, waits for the next, but not for long.
    ///
    /// Worth it for a file that takes longer to hash than the clock to tick: its digest can then be remembered.
    pub(crate) fn await_tick(&self, cache: &CacheFolder, stat: &FileStat) -> Option<Reading> {
        let step = Duration::from_millis(1);
        let mut waited = Duration::ZERO;
        loop {
            let reading = self.read(cache)?;
            if reading.is_after(stat) || waited >= LONGEST_WAIT {
                return Some(reading);
            }
            std::thread::sleep(step);
            waited += step;
        }
    }
}

impl Reading {
    /// Nanoseconds since 1970.
    pub(crate) const fn nanoseconds(&self) -> i64 {
        self.nanoseconds
    }

    /// Whether the file was last changed strictly before this reading, so that any later change will show in its times.
    pub(crate) fn is_after(&self, stat: &FileStat) -> bool {
        let margin = if stat.device == self.device {
            0
        } else {
            FOREIGN_MARGIN
        };
        stat.latest().saturating_add(margin) < self.nanoseconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strictly_older_times_prove_anything() {
        let reading = Reading {
            nanoseconds: 10_000_000_000,
            device: 1,
        };
        let stat = |modified, changed, device| FileStat {
            size: 0,
            modified,
            changed,
            inode: 0,
            device,
        };
        let before = 9_999_999_999;
        assert!(reading.is_after(&stat(before, before, 1)));
        assert!(!reading.is_after(&stat(10_000_000_000, before, 1)));
        assert!(!reading.is_after(&stat(before, 10_000_000_000, 1)));
        assert!(!reading.is_after(&stat(before, before, 2)));
        assert!(reading.is_after(&stat(7_999_999_999, 7_999_999_999, 2)));
    }

    #[test]
    fn readings_do_not_go_back() {
        let root = tempfile::tempdir().unwrap();
        let cache = CacheFolder::new(root.path().join(".cache"));
        let clock = Clock::default();
        let first = clock.read(&cache).unwrap();
        let second = clock.read(&cache).unwrap();
        assert!(first.nanoseconds <= second.nanoseconds);
    }
}
