//! Any bytes as a lock file: reading never panics, what was read can be written, and reads the same again.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use hpipe_core::ProjectPath;
use hpipe_store::{LockFile, Needed, Store};
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

static PROJECT: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fn open() -> Store {
    Store::open(PROJECT.path(), Path::new(".cache")).expect("a store")
}

fuzz_target!(|data: &[u8]| {
    Needed::default().named_in(data);
    let Ok(read) = LockFile::parse(data, Path::new("pipeline.lock")) else {
        return;
    };
    let path = ProjectPath::new("pipeline.lock");
    let written = open().update_lock(&path, |lock| *lock = read.clone());
    assert_eq!(written.expect("what was read can be written").0, read);
    assert_eq!(open().read_lock(&path).expect("what was written can be read"), read);
});
