//! A cache folder that projects share, and ways of linking in order of preference.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hpipe_core::StageName;
use hpipe_store::{LinkType, LockName, Store};

use crate::support::{Project, path};

#[test]
fn projects_share_objects_and_keep_the_rest_to_themselves() {
    let shared = tempfile::tempdir().unwrap();
    let (one, two) = (Project::new(), Project::new());
    let open = |project: &Project| {
        Store::open_shared(project.root(), shared.path(), Path::new(".cache")).unwrap()
    };
    let (first, second) = (open(&one), open(&two));
    one.write("a", "alpha");
    let content = first.commit(&path("a")).unwrap().unwrap();
    second.restore(&content, &path("b")).unwrap();
    assert_eq!(two.read("b"), "alpha");

    // Two stages of one name in two projects are two stages.
    let train = StageName::known("train");
    let held = first.try_lock(&LockName::Stage(train.clone())).unwrap();
    assert!(
        held.is_some()
            && second
                .try_lock(&LockName::Stage(train.clone()))
                .unwrap()
                .is_some()
    );
    first.begin_attempt(&train).unwrap();
    assert_eq!(first.attempts(&train).unwrap().len(), 1);
    assert_eq!(second.attempts(&train).unwrap().len(), 0);
    first.flush();
    assert!(shared.path().join("objects-v1").is_dir() && !shared.path().join("stat-v1").exists());
    for marked in [shared.path(), &one.at(".cache")] {
        assert!(marked.join("CACHEDIR.TAG").is_file(), "{marked:?}");
    }
}

#[test]
fn a_folder_never_counts_either_part_of_the_cache() {
    let project = Project::new();
    let store = Store::open_shared(project.root(), Path::new("d/objects"), Path::new(".cache"));
    let store = store.unwrap();
    project.write("d/a", "a");
    store.commit(&path("d/a")).unwrap();
    assert_eq!(store.content(&path("d")).unwrap().unwrap().files, 1);
}

#[test]
fn the_first_way_of_linking_that_can_be_had_is_taken() {
    let project = Project::new();
    project.write("a", "x".repeat(2 << 20));
    let content = project.commit("a");
    let object = fs::metadata(project.object(&content)).unwrap().ino();
    // Where the file system can reflink, the next way is not needed; either way the bytes are right.
    let store = project.another_store();
    let store = store.with_links(&[LinkType::Reflink, LinkType::Hardlink]);
    store.restore(&content, &path("b")).unwrap();
    assert_eq!(store.content(&path("b")).unwrap(), Some(content));
    let store = project.another_store().with_links(&[LinkType::Hardlink]);
    store.restore(&content, &path("c")).unwrap();
    assert_eq!(fs::metadata(project.at("c")).unwrap().ino(), object);
    let store = project.another_store().with_links(&[]);
    store.restore(&content, &path("d")).unwrap();
    assert_ne!(fs::metadata(project.at("d")).unwrap().ino(), object);
    assert_eq!(store.content(&path("d")).unwrap(), Some(content));
}

#[test]
fn what_is_unshared_can_be_written_without_touching_the_object() {
    let project = Project::new();
    for (name, text) in [("d/a", "a"), ("d/sub/b", "b"), ("f", "f")] {
        project.write(name, text);
    }
    let contents = ["d", "f"].map(|name| (name, project.commit(name)));
    fs::hard_link(project.at("f"), project.at("mine")).unwrap();
    let store = project.another_store().with_links(&[LinkType::Hardlink]);
    for (name, content) in &contents {
        fs::rename(project.at(name), project.at(&format!("{name}.old"))).unwrap();
        store.restore(content, &path(name)).unwrap();
        store.unshare(&path(name)).unwrap();
        assert_eq!(store.content(&path(name)).unwrap(), Some(*content));
    }
    for name in ["d/a", "d/sub/b", "f"] {
        assert_eq!(fs::metadata(project.at(name)).unwrap().nlink(), 1, "{name}");
        project.write(name, "other");
    }
    for (name, content) in &contents {
        store.restore(content, &path(name)).unwrap();
    }
    assert_eq!(project.read("d/sub/b"), "b");

    // What the user linked stays linked: it is no object.
    store.unshare(&path("mine")).unwrap();
    assert_eq!(fs::metadata(project.at("mine")).unwrap().nlink(), 2);
    store.unshare(&path("absent")).unwrap();
}
