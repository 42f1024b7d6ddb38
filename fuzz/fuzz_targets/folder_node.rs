//! Any bytes as the node of a folder, under their right name, as somebody else's cache may hold them: either the folder is put
//! in place and is what the node says, or nothing is.

#![no_main]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use hpipe_core::{Content, Digest, ProjectPath};
use hpipe_store::Store;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

/// A project whose cache holds the folder `d`, and the content of that folder.
struct Project {
    folder: TempDir,
    store: Store,
    whole: Content,
}

static PROJECT: LazyLock<Project> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir_all(root.join("d/deep")).expect("a folder");
    for (name, text) in [("d/a", "1"), ("d/b", "2"), ("d/deep/x", "3")] {
        fs::write(root.join(name), text).expect("a file");
    }
    let store = Store::open(root, Path::new(".cache")).expect("a store");
    let whole = store.commit(&ProjectPath::new("d")).expect("objects").expect("content");
    Project { folder, store, whole }
});

fuzz_target!(|data: &[u8]| {
    let Project { folder, store, whole } = &*PROJECT;
    let digest = Digest::blake3(*blake3::hash(data).as_bytes());
    let hex = digest.hex();
    let object = folder.path().join(".cache/objects-v1").join(&hex[..2]).join(&hex[2..]);
    fs::create_dir_all(object.parent().expect("a parent")).expect("a folder");
    fs::write(&object, data).expect("an object");
    let content = Content { digest, object_size: data.len() as u64, ..*whole };
    let again = ProjectPath::new("again");
    let is_whole = store.has(&content);
    let _ = store.stored_files(&content);
    if store.restore(&content, &again).is_ok() {
        assert!(is_whole, "restored what was said to be missing");
        let made = store.content_reread(&again).expect("readable").expect("restored");
        assert!(made.same_bytes(&content), "restored as something else");
    }
    let _ = store.remove(&again);
    let _ = fs::remove_dir_all(folder.path().join("again"));
    let _ = fs::remove_file(&object);
    store.take_warnings();
});
