//! What goes into the store comes out of it the same: folders, names, bits, links.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};

use hpipe_store::{Error, LinkType, Store};

use crate::support::{Project, is_executable, make_executable, path, snapshot};

/// A folder with all that is unusual.
fn unusual(project: &Project) {
    project.write("d/plain.txt", "plain");
    project.write("d/sub/deep/er/x", "x");
    project.write("d/run.sh", "#!/bin/sh\n");
    make_executable(&project.at("d/run.sh"));
    project.write("d/empty file", "");
    fs::create_dir_all(project.at("d/empty folder/inner")).unwrap();
    project.write("d/größe-日本-🦀", "unicode");
    project.write("d/ leading\nnewline\t", "odd");
    fs::write(
        project.at("d").join(OsStr::from_bytes(b"\xff\xfe")),
        "not UTF-8",
    )
    .unwrap();
    project.write("d/large", vec![7; 5_000_000]);
    for i in 0..1_100 {
        project.write(&format!("d/many/{i}"), format!("{i}"));
    }
}

#[test]
fn a_restored_folder_is_the_committed_one() {
    let project = Project::new();
    unusual(&project);
    let before = snapshot(&project.at("d"));
    let content = project.commit("d");
    assert_eq!(content, project.content("d"));
    assert_eq!(
        content,
        project.store.content_reread(&path("d")).unwrap().unwrap()
    );
    assert!(project.store.has(&content));

    project.store.remove(&path("d")).unwrap();
    assert_eq!(project.store.content(&path("d")).unwrap(), None);
    project.store.restore(&content, &path("d")).unwrap();
    assert_eq!(snapshot(&project.at("d")), before);
    assert_eq!(project.content("d"), content);

    project
        .store
        .restore(&content, &path("other/place"))
        .unwrap();
    assert_eq!(snapshot(&project.at("other/place")), before);
}

#[test]
fn a_folder_that_is_there_is_mended_file_by_file() {
    let project = Project::new();
    unusual(&project);
    let before = snapshot(&project.at("d"));
    let content = project.commit("d");
    let untouched = fs::metadata(project.at("d/plain.txt")).unwrap().ino();

    project.write("d/sub/deep/er/x", "y");
    project.write("d/extra/file", "");
    fs::remove_file(project.at("d/many/77")).unwrap();
    make_executable(&project.at("d/empty file"));
    fs::remove_dir_all(project.at("d/empty folder")).unwrap();
    project.write("d/empty folder", "now a file");
    fs::remove_file(project.at("d/large")).unwrap();
    project.write("d/large/is", "now a folder");
    project.store.restore(&content, &path("d")).unwrap();

    assert_eq!(snapshot(&project.at("d")), before);
    assert_eq!(
        fs::metadata(project.at("d/plain.txt")).unwrap().ino(),
        untouched
    );
}

#[test]
fn file_and_folder_replace_each_other() {
    let project = Project::new();
    project.write("file", "file");
    project.write("folder/a", "a");
    let (file, folder) = (project.commit("file"), project.commit("folder"));
    project.store.restore(&folder, &path("file")).unwrap();
    assert_eq!(project.read("file/a"), "a");
    project.store.restore(&file, &path("file")).unwrap();
    assert_eq!(project.read("file"), "file");
}

#[test]
fn an_out_of_odd_things_is_replaced_as_a_whole() {
    let project = Project::new();
    project.write("d/a", "a");
    let content = project.commit("d");
    symlink("nowhere", project.at("d/dangling")).unwrap();
    project.store.restore(&content, &path("d")).unwrap();
    assert_eq!(project.content("d"), content);
}

#[test]
fn a_link_at_the_path_is_replaced_and_its_target_left_alone() {
    let project = Project::new();
    project.write("target/a", "precious");
    project.write("d/a", "a");
    let content = project.commit("d");
    fs::remove_dir_all(project.at("d")).unwrap();
    symlink("target", project.at("d")).unwrap();
    project.store.restore(&content, &path("d")).unwrap();
    assert_eq!(
        (project.read("d/a"), project.read("target/a")),
        ("a".into(), "precious".into())
    );

    symlink("target", project.at("link")).unwrap();
    project.store.remove(&path("link")).unwrap();
    assert_eq!(project.read("target/a"), "precious");
}

#[test]
fn the_executable_bit_goes_along() {
    let project = Project::new();
    project.write("run", "x");
    make_executable(&project.at("run"));
    let content = project.commit("run");
    assert!(content.executable);
    project.store.restore(&content, &path("again")).unwrap();
    assert!(is_executable(&project.at("again")));
}

#[test]
fn links_count_as_what_they_lead_to() {
    let project = Project::new();
    project.write("real/a", "a");
    project.write("d/x", "x");
    project.write("e/x", "x");
    project.write("e/linked/a", "a");
    symlink("../real", project.at("d/linked")).unwrap();
    assert_eq!(project.content("d"), project.content("e"));
    symlink("real/a", project.at("file")).unwrap();
    assert_eq!(project.content("file"), project.content("real/a"));
}

#[test]
fn links_that_lead_nowhere_or_in_circles_are_named() {
    let error = |make: fn(&Project)| {
        let project = Project::new();
        project.write("d/sub/a", "a");
        make(&project);
        project.store.content(&path("d")).unwrap_err()
    };
    let dangling = error(|project| symlink("nowhere", project.at("d/dangling")).unwrap());
    assert!(matches!(&dangling, Error::DanglingLink { path } if path.ends_with("d/dangling")));
    let cycle = error(|project| symlink("..", project.at("d/sub/up")).unwrap());
    assert!(matches!(&cycle, Error::LinkCycle { path } if path.ends_with("d/sub/up")));
    let circle = error(|project| symlink("self", project.at("d/self")).unwrap());
    assert!(matches!(&circle, Error::LinkCycle { path } if path.ends_with("d/self")));
    let socket = error(|project| {
        std::os::unix::net::UnixListener::bind(project.at("d/socket")).unwrap();
    });
    assert!(matches!(&socket, Error::NotContent { kind: "socket", .. }));

    let project = Project::new();
    symlink("nowhere", project.at("dangling")).unwrap();
    assert_eq!(project.store.content(&path("dangling")).unwrap(), None);
}

#[test]
fn what_is_ignored_is_no_content_and_survives() {
    let project = Project::new();
    project.write("d/a", "a");
    let bare = project.content("d");
    project.write(".hpipeignore", "*.log\n/d/skip/\n");
    project.write("d/x.log", "log");
    project.write("d/skip/y", "y");
    project.write("d/.git/HEAD", "ref");
    assert_eq!(project.content("d"), bare);

    assert_eq!(project.commit("d"), bare);
    project.write("d/a", "changed");
    project.store.restore(&bare, &path("d")).unwrap();
    assert_eq!(
        (project.read("d/a"), project.read("d/x.log")),
        ("a".into(), "log".into())
    );
    assert_eq!(
        project.content("d/x.log").size,
        3,
        "named by the pipeline, it counts"
    );

    project.write("d/.dvcignore", "a\n");
    project.write("e/.dvcignore", "a\n");
    assert_eq!(project.content("d"), project.content("e"));
}

#[test]
fn the_cache_folder_is_no_content() {
    let project = Project::new();
    project.write("a", "a");
    let before = project.content(".");
    project.commit("a");
    assert_eq!(project.content("."), before);
}

#[test]
fn a_deep_folder_is_an_error_and_no_overflow() {
    let project = Project::new();
    let deep = |levels| vec!["f"; levels].join("/");
    fs::create_dir_all(project.at("d").join(deep(255))).unwrap();
    assert!(project.store.commit(&path("d")).is_ok());
    fs::create_dir_all(project.at("d").join(deep(256))).unwrap();
    assert!(matches!(
        project.store.content(&path("d")),
        Err(Error::TooDeep { .. })
    ));
}

#[test]
fn hard_links_are_read_only_objects_and_copies_where_they_must_be() {
    let project = Project::new();
    project.write("d/a", "a");
    project.write("d/run", "x");
    make_executable(&project.at("d/run"));
    let content = project.commit("d");
    let store = project.another_store().with_links(&[LinkType::Hardlink]);
    store.restore(&content, &path("e")).unwrap();

    let a = project.content("d/a");
    let inode = |path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(project.at("e/a")), inode(project.object(&a)));
    assert!(is_executable(&project.at("e/run")));
    assert!(!is_executable(&project.object(&project.content("d/run"))));
    assert_eq!(store.content(&path("e")).unwrap(), Some(content));
}

#[test]
fn the_cache_may_lie_on_another_file_system() {
    let project = Project::new();
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        return; // there is no other here
    };
    let store = Store::open(project.root(), elsewhere.path()).unwrap();
    unusual(&project);
    let before = snapshot(&project.at("d"));
    let content = store.commit(&path("d")).unwrap().unwrap();
    project.write("d/plain.txt", "edited");
    fs::remove_dir_all(project.at("d/many")).unwrap();
    store.restore(&content, &path("d")).unwrap();
    assert_eq!(snapshot(&project.at("d")), before);
    store.restore(&content, &path("new/place")).unwrap();
    assert_eq!(snapshot(&project.at("new/place")), before);
    store.restore(&content, &path("d/sub")).unwrap();
    assert_eq!(snapshot(&project.at("d/sub")), before);
    store.write_file(&path("pipeline.lock"), b"x").unwrap();
    assert_eq!(project.read("pipeline.lock"), "x");
    let left: Vec<_> = fs::read_dir(project.root())
        .unwrap()
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn reading_works_where_nothing_can_be_written() {
    let project = Project::new();
    project.write("d/a", "a");
    project.write(".cache", "a file, so that no folder can be made");
    assert_eq!(project.content("d").files, 1);
    assert!(project.store.commit(&path("d")).is_err());
    assert_eq!(project.store.run_record(&crate::support::digest(1)), None);
    assert!(
        project
            .store
            .read_lock(&path("pipeline.lock"))
            .unwrap()
            .stages
            .is_empty()
    );
    assert!(project.store.durations().is_empty());
    project.store.flush();
}

#[test]
fn asking_leaves_no_cache_folder_behind_when_nothing_was_hashed() {
    let project = Project::new();
    assert_eq!(project.store.content(&path("nothing")).unwrap(), None);
    assert!(
        project
            .store
            .attempts(&crate::support::stage("a"))
            .unwrap()
            .is_empty()
    );
    project.store.flush();
    assert!(!project.at(".cache").exists());
    assert!(Store::open(&project.at("nothing"), std::path::Path::new(".cache")).is_err());
}
