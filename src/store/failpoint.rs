//! Makes the k-th durable step of this process fail, so that tests can try every one of them.
//!
//! Every step that changes what a later process finds on disk (create, write, sync, rename, link, unlink, chmod, mkdir)
//! calls [`step`] before it acts. In debug builds the environment decides what happens there; in release builds it is
//! nothing at all.
//!
//! | variable | means |
//! |---|---|
//! | `HPIPE_FAIL_AT` | the step at which to fail, from 1 |
//! | `HPIPE_FAIL_HOW` | `abort` (default): the process ends there, as with `kill -9`; `enospc`, `readonly`: this step and all that follow fail with that error, as on a disk that stays full; `panic`: `cli` falls over before it begins |
//! | `HPIPE_FAIL_COUNT_FILE` | a file that always holds the number of steps taken so far |
//!
//! Deliberately does not know what the steps are: a test that wants the step of a certain rename counts first.

use std::io;

/// Takes one durable step.
///
/// # Errors
/// What `HPIPE_FAIL_HOW` names, from step `HPIPE_FAIL_AT` on.
#[cfg(not(debug_assertions))]
#[inline]
pub(crate) fn step() -> io::Result<()> {
    Ok(())
}

/// Takes one durable step.
///
/// # Errors
/// What `HPIPE_FAIL_HOW` names, from step `HPIPE_FAIL_AT` on.
#[cfg(debug_assertions)]
pub(crate) fn step() -> io::Result<()> {
    use std::sync::LazyLock;

    static PLAN: LazyLock<Plan> = LazyLock::new(Plan::from_environment);
    PLAN.step()
}

/// What the environment asked for, and how far the process has come.
#[cfg(debug_assertions)]
struct Plan {
    fail_at: Option<u64>,
    error: Option<rustix::io::Errno>,
    taken: std::sync::atomic::AtomicU64,
    count_file: Option<std::sync::Mutex<std::fs::File>>,
}

#[cfg(debug_assertions)]
impl Plan {
    fn from_environment() -> Self {
        let text = |name| std::env::var(name).ok();
        let error = match text("HPIPE_FAIL_HOW").as_deref() {
            Some("enospc") => Some(rustix::io::Errno::NOSPC),
            Some("readonly") => Some(rustix::io::Errno::ROFS),
            _ => None,
        };
        Self {
            fail_at: text("HPIPE_FAIL_AT").and_then(|k| k.parse().ok()),
            error,
            taken: std::sync::atomic::AtomicU64::new(0),
            count_file: text("HPIPE_FAIL_COUNT_FILE")
                .and_then(|path| std::fs::File::create(path).ok())
                .map(std::sync::Mutex::new),
        }
    }

    fn step(&self) -> io::Result<()> {
        let k = 1 + self
            .taken
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.count(k);
        match self.error {
            _ if self.fail_at.is_none_or(|at| k < at) => Ok(()),
            Some(error) => Err(error.into()),
            None => std::process::abort(),
        }
    }

    /// Best effort: a test that cannot count says so itself.
    fn count(&self, k: u64) {
        use std::os::unix::fs::FileExt;

        if let Some(file) = &self.count_file
            && let Ok(file) = file.lock()
        {
            let _ = file.write_all_at(format!("{k:<20}\n").as_bytes(), 0);
        }
    }
}
