//! Ends the process, or fills the disk, at every single durable step of a publication; afterwards the store opens, every
//! reference that is there resolves, and the same work done again succeeds.
//!
//! The work is done by this test binary started anew with `HPIPE_FAIL_AT`, see `failpoint.rs`.

use std::fs;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU64, Ordering};

use hpipe_store::{LockName, Store};

use crate::support::{bare_entry, digest, lock_out, out, path, record, stage};

/// Names the project's folder to the process that is to fail.
const ROOT: &str = "HPIPE_STORE_TEST_ROOT";

/// Processes that fail at a time: they mostly wait for the disk.
const AT_ONCE: usize = 8;

/// Where in the project the steps are counted.
const COUNT: &str = "count";

/// Commits, publishes, remembers, restores over an edited out, notes an attempt: every kind of step there is.
fn work(root: &Path) -> Result<(), hpipe_store::Error> {
    let store = Store::open(root, Path::new(".cache"))?;
    let name = stage("a");
    let _lock = store.lock(&LockName::Stage(name.clone()))?;
    let mut attempt = store.begin_attempt(&name)?;
    let mut log = attempt.log_file()?;
    let printed = std::io::Write::write_all(&mut log, b"printed\n");
    printed.expect("the spool can be written");
    let mut outs = Vec::new();
    for name in ["file", "folder"] {
        let content = store.commit(&path(name))?.expect("it is there");
        outs.push(out(name, content));
    }
    let end = hpipe_store::AttemptEnd {
        outcome: "ran".to_owned(),
        key: digest(1),
        seconds: 0.0,
    };
    store.finish_attempt(&mut attempt, &end)?;
    let result = store.record_of(&attempt, digest(1), outs.clone(), 0.0)?;
    store.publish_run(&result, false)?;
    store.publish_run(&record(digest(1), outs[..1].to_vec()), true)?;
    store.publish_run(&result, true)?;
    for (key, replace) in [(1, false), (2, false), (2, false), (2, true)] {
        store.remember(&digest(key), &remembered(key), replace)?;
    }
    store.update_lock(&path("pipeline.lock"), |lock| {
        let mut entry = bare_entry("true");
        entry.outs = outs
            .iter()
            .map(|out| lock_out(&out.path, out.content))
            .collect();
        lock.stages.insert(name, entry.into());
    })?;
    store.restore(&outs[1].content, &path("restored"))?;
    fs::write(root.join("restored/sub/b"), "edited").expect("it was restored");
    store.restore(&outs[1].content, &path("restored"))?;
    store.restore(&outs[0].content, &path("restored"))?;
    store.restore(&outs[1].content, &path("restored"))?;
    store.remove_content(&path("restored"))?;
    store.restore(&outs[0].content, &path("restored"))?;
    store.remove(&path("restored"))?;
    store.flush();
    Ok(())
}

/// What is remembered under the key.
fn remembered(key: u8) -> Vec<u8> {
    vec![key; 10_000]
}

/// Not a test of its own: what the processes started below do.
#[test]
fn child() {
    if let Some(root) = std::env::var_os(ROOT) {
        work(Path::new(&root)).unwrap();
    }
}

/// Does the work in a process of its own that fails at step `at`.
fn work_failing(root: &Path, at: u64, how: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(ROOT, root)
        .env("HPIPE_FAIL_AT", at.to_string())
        .env("HPIPE_FAIL_HOW", how)
        .env("HPIPE_FAIL_COUNT_FILE", root.join(COUNT))
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap()
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "file").unwrap();
    fs::create_dir_all(folder.path().join("folder/sub")).unwrap();
    fs::write(folder.path().join("folder/a"), "a").unwrap();
    fs::write(folder.path().join("folder/sub/b"), vec![b'b'; 1_100_000]).unwrap();
    folder
}

/// Every reference that is there must resolve to what it says.
fn check_references(root: &Path, context: &str) {
    let store = Store::open(root, Path::new(".cache")).unwrap();
    let record = store.run_record(&digest(1));
    let lock = store.read_lock(&path("pipeline.lock")).unwrap();
    let entries = lock
        .stages
        .values()
        .flat_map(|entry| entry.outs.iter().map(|out| out.content));
    let outs = record
        .iter()
        .flat_map(|record| record.outs.iter().map(|out| out.content));
    for content in entries.chain(outs).collect::<Vec<_>>() {
        assert!(store.has(&content), "{context}");
        store.restore(&content, &path("check")).unwrap();
    }
    for key in [1, 2] {
        let value = store.recall(&digest(key));
        assert!(
            value.is_none_or(|value| value == remembered(key)),
            "{context}"
        );
    }
    store.attempts(&stage("a")).unwrap();
    store.remove(&path("check")).unwrap();
    assert_eq!(store.take_warnings(), Vec::<String>::new(), "{context}");
}

/// Nothing of dead processes is left in the folder for temporary files once another has worked.
fn check_swept(root: &Path) {
    let left: Vec<_> = fs::read_dir(root.join(".cache/tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn fails_at_every_step(how: &str) {
    let whole = project();
    assert!(work_failing(whole.path(), u64::MAX, how).status.success());
    let count = fs::read_to_string(whole.path().join(COUNT)).unwrap();
    let steps: u64 = count.trim().parse().unwrap();
    assert!(steps > 40, "{steps} steps");
    let next = AtomicU64::new(1);
    let try_steps = || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                at if at <= steps => fails_at(at, how),
                _ => return,
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(try_steps);
        }
    });
}

fn fails_at(at: u64, how: &str) {
    let project = project();
    let root = project.path();
    let output = work_failing(root, at, how);
    let context = format!("{how} at step {at}");
    let ended = String::from_utf8_lossy(&output.stdout);
    // On a full disk, steps that clean up and those of what is only a hint fail without anybody being told.
    assert!(
        how != "abort" || !output.status.success(),
        "{context}\n{ended}"
    );
    check_references(root, &context);
    let again = work_failing(root, u64::MAX, how);
    let ended = String::from_utf8_lossy(&again.stdout);
    assert!(again.status.success(), "{context}\n{ended}");
    check_references(root, &context);
    check_swept(root);
    assert_eq!(fs::read(root.join("file")).unwrap(), b"file");
}

#[test]
fn killed_at_every_step() {
    fails_at_every_step("abort");
}

#[test]
fn the_disk_full_at_every_step() {
    fails_at_every_step("enospc");
}

#[test]
fn the_disk_read_only_from_every_step_on() {
    fails_at_every_step("readonly");
}
