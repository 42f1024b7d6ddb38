//! Copies of the project: they share the cache, leave the project alone, and go with their store.

use std::fs;
use std::os::unix::fs::symlink;

use hpipe_store::{Error, LockName};

use crate::support::{Project, bare_entry, digest, is_executable, make_executable, path, stage};

#[test]
fn a_replica_shares_objects_and_lies_in_the_cache() {
    let project = Project::new();
    project.write("a", "bytes");
    let replica = project.store.replica().unwrap();
    assert!(replica.is_replica() && !project.store.is_replica());
    assert!(
        replica
            .root()
            .starts_with(project.root().canonicalize().unwrap().join(".cache"))
    );
    replica.copy_from(&project.store, &path("a")).unwrap();
    let content = replica.commit(&path("a")).unwrap().unwrap();
    assert!(project.store.has(&content));
    replica.remove_content(&path("a")).unwrap();
    replica.restore(&content, &path("deep/b")).unwrap();
    assert_eq!(fs::read(replica.root().join("deep/b")).unwrap(), b"bytes");
    assert_eq!(project.read("a"), "bytes");
}

#[test]
fn a_replica_goes_with_its_store() {
    let project = Project::new();
    let replica = project.store.replica().unwrap();
    let root = replica.root().to_owned();
    fs::write(root.join("left"), "").unwrap();
    drop(replica);
    assert!(!root.exists());
}

#[test]
fn files_folders_and_links_are_copied_as_they_are() {
    let project = Project::new();
    let root = project.root().canonicalize().unwrap();
    project.write("sub/run", "#!/bin/sh\n");
    make_executable(&project.at("sub/run"));
    fs::create_dir(project.at("empty")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("far"), "far").unwrap();
    symlink("sub/run", project.at("inner")).unwrap();
    symlink(root.join("sub/run"), project.at("absolute")).unwrap();
    symlink(outside.path().join("far"), project.at("outer")).unwrap();
    symlink("nowhere", project.at("dangling")).unwrap();

    let replica = project.store.replica().unwrap();
    for name in [
        "sub", "sub/run", "empty", "inner", "absolute", "outer", "dangling", "gone",
    ] {
        replica.copy_from(&project.store, &path(name)).unwrap();
    }
    let copy = |name: &str| replica.root().join(name);
    assert!(is_executable(&copy("sub/run")) && copy("empty").is_dir());
    assert!(!copy("gone").exists());
    for name in ["inner", "absolute"] {
        assert_eq!(
            copy(name).canonicalize().unwrap(),
            copy("sub/run"),
            "{name}"
        );
    }
    assert_eq!(fs::read(copy("outer")).unwrap(), b"far");
    assert_eq!(
        fs::read_link(copy("dangling")).unwrap().to_str(),
        Some("nowhere")
    );

    fs::write(copy("sub/run"), "changed").unwrap();
    assert_eq!(project.read("sub/run"), "#!/bin/sh\n");
}

#[test]
fn nothing_outside_of_a_replica_is_removed_or_replaced() {
    let project = Project::new();
    project.write("a", "bytes");
    let content = project.commit("a");
    let replica = project.store.replica().unwrap();
    let own = project.root().canonicalize().unwrap().join("a");
    for vital in [own.to_str().unwrap(), "../beside", ".", ".."] {
        let removed = replica.remove(&path(vital));
        assert!(
            matches!(removed, Err(Error::Forbidden { .. })),
            "{vital}: {removed:?}"
        );
        let restored = replica.restore(&content, &path(vital));
        assert!(
            matches!(restored, Err(Error::Forbidden { .. })),
            "{vital}: {restored:?}"
        );
    }
    assert_eq!(project.read("a"), "bytes");
}

#[test]
fn what_the_cache_knows_of_the_project_is_not_touched() {
    let project = Project::new();
    let known = std::collections::HashMap::from([(stage("a"), 1.0)]);
    project.store.save_durations(&known);
    let replica = project.store.replica().unwrap();
    replica.save_durations(&std::collections::HashMap::from([(stage("b"), 2.0)]));
    fs::write(replica.root().join("a"), "bytes").unwrap();
    replica.content(&path("a")).unwrap();
    replica.flush();
    let lock = path("pipeline.lock");
    replica
        .update_lock(&lock, |lock| {
            drop(lock.stages.insert(stage("a"), bare_entry("true").into()))
        })
        .unwrap();
    assert_eq!(project.another_store().durations(), known);
    assert!(!project.at(".cache/stat-v1").exists() && !project.at("pipeline.lock").exists());
    assert_eq!(replica.read_lock(&lock).unwrap().stages.len(), 1);
}

#[test]
fn one_holder_a_stage_key() {
    let project = Project::new();
    let (one, two) = (
        project.store.replica().unwrap(),
        project.store.replica().unwrap(),
    );
    let held = one.try_lock(&LockName::Key(digest(1))).unwrap();
    assert!(held.is_some());
    assert!(two.try_lock(&LockName::Key(digest(1))).unwrap().is_none());
    assert!(two.try_lock(&LockName::Key(digest(2))).unwrap().is_some());
    let waiter = std::thread::spawn(two.waiter(&LockName::Key(digest(1))));
    drop(held);
    waiter.join().unwrap().unwrap();
}
