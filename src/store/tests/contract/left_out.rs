//! What the content of a folder leaves out was never stored, so nothing removes it; and nothing vital is ever removed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use hpipe_store::{Error, LinkType, Store};

use crate::support::{Project, is_executable, make_executable, path};

/// An out folder with hidden files and a nested git repository; its content counts `a`, `sub/b` and `repo/c`.
fn project() -> Project {
    let project = Project::new();
    project.write(".hpipeignore", "*.note\n");
    project.write("out/a", "a");
    project.write("out/sub/b", "b");
    project.write("out/sub/b.note", "mine");
    project.write("out/repo/c", "c");
    project.write("out/repo/.git/HEAD", "ref");
    project
}

fn left(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

#[test]
fn a_restore_leaves_in_extra_folders_what_does_not_count() {
    let project = Project::new();
    project.write(".hpipeignore", "*.note\n");
    project.write("out/a", "a");
    let content = project.commit("out");
    project.write("out/sub/c.note", "mine");
    project.write("out/sub/gone", "");
    project.write("out/repo/.git/HEAD", "ref");
    project.write("out/repo/deep/gone", "");
    symlink("nowhere", project.at("out/dangling")).unwrap();
    project.store.restore(&content, &path("out")).unwrap();

    assert_eq!(project.read("out/sub/c.note"), "mine");
    assert_eq!(project.read("out/repo/.git/HEAD"), "ref");
    assert!(!project.at("out/sub/gone").exists() && !project.at("out/repo/deep").exists());
    assert!(project.at("out/dangling").symlink_metadata().is_err());
    assert_eq!(project.content("out"), content, "it counts as restored");
}

#[test]
fn removing_content_leaves_what_does_not_count() {
    let project = project();
    let content = project.commit("out");
    project.write("out/empty/.hpipe-tmp-00000000-1-2-0", "");
    fs::create_dir_all(project.at("out/bare/folder")).unwrap();
    symlink("../out", project.at("out/link")).unwrap();
    let found = project.store.remove_content(&path("out")).unwrap();
    assert_eq!(found, left(&["out/repo/.git", "out/sub/b.note"]));
    assert_eq!(project.read("out/sub/b.note"), "mine");
    for gone in ["out/a", "out/sub/b", "out/repo/c", "out/empty", "out/bare"] {
        assert!(!project.at(gone).exists(), "{gone}");
    }
    assert_eq!(project.content("out").files, 0);

    project.store.restore(&content, &path("out")).unwrap();
    assert_eq!(project.content("out"), content);
    assert_eq!(project.read("out/sub/b.note"), "mine");
    assert_eq!(project.read("out/repo/.git/HEAD"), "ref");
}

#[test]
fn removing_content_removes_all_where_all_of_it_counts() {
    let project = Project::new();
    project.write("out/sub/a", "a");
    project.write("target/a", "precious");
    project.write("file", "");
    symlink("target", project.at("link")).unwrap();
    symlink("../target", project.at("out/link")).unwrap();
    let readonly = fs::Permissions::from_mode(0o555);
    fs::set_permissions(project.at("out/sub"), readonly).unwrap();
    for name in ["out", "file", "link", "nothing", "file/below"] {
        let found = project.store.remove_content(&path(name)).unwrap();
        assert_eq!(found, left(&[]));
        assert!(project.at(name).symlink_metadata().is_err(), "{name}");
    }
    assert_eq!(project.read("target/a"), "precious");
}

#[test]
fn rules_inside_an_out_hide_until_the_end() {
    let project = Project::new();
    project.write("out/.hpipeignore", "*.note\n");
    project.write("out/a.note", "mine");
    project.write("out/b", "b");
    let content = project.commit("out");
    let found = project.store.remove_content(&path("out")).unwrap();
    assert_eq!(found, left(&["out/a.note", "out/.hpipeignore"]));
    project.store.restore(&content, &path("out")).unwrap();
    assert_eq!(project.read("out/a.note"), "mine");
    assert_eq!(project.content("out"), content);
}

#[test]
fn what_was_hidden_since_it_was_stored_is_not_replaced() {
    let project = Project::new();
    project.write("out/a.note", "made by the stage");
    project.write("out/b", "b");
    let content = project.commit("out");
    project.write(".hpipeignore", "*.note\n");
    project.write("out/a.note", "mine");
    project.write("out/b", "edited");
    project.store.restore(&content, &path("out")).unwrap();
    assert_eq!(
        (project.read("out/a.note"), project.read("out/b")),
        ("mine".into(), "b".into())
    );
}

#[test]
fn a_file_does_not_bury_what_was_never_stored() {
    let project = project();
    project.write("file", "file");
    let file = project.commit("file");
    let error = project.store.restore(&file, &path("out")).unwrap_err();
    assert!(
        matches!(&error, Error::InTheWay { held, .. } if held.ends_with("out/repo/.git")),
        "{error}"
    );
    assert_eq!(project.read("out/sub/b"), "b", "nothing was touched");

    project.write("flat/sub", "a file");
    let flat = project.commit("flat");
    let error = project.store.restore(&flat, &path("out")).unwrap_err();
    assert!(
        matches!(&error, Error::InTheWay { held, .. } if held.ends_with("sub/b.note")),
        "{error}"
    );
    assert_eq!(project.read("out/a"), "a", "nothing was touched");
}

#[test]
fn hidden_things_in_an_extra_folder_with_its_own_rules_survive() {
    let project = Project::new();
    project.write("out/a", "a");
    let content = project.commit("out");
    project.write("out/sub/.hpipeignore", "*.note\n");
    project.write("out/sub/deep/c.note", "mine");
    project.write("out/sub/gone", "");
    for _ in 0..2 {
        project.store.restore(&content, &path("out")).unwrap();
        assert_eq!(project.content("out"), content);
        assert_eq!(project.read("out/sub/deep/c.note"), "mine");
    }
    assert!(!project.at("out/sub/gone").exists());
}

#[test]
fn a_folder_of_hidden_things_does_not_count() {
    let project = Project::new();
    project.write("out/a", "a");
    let bare = project.content("out");
    project.write(".hpipeignore", "*.note\n");
    project.write("out/x/y/c.note", "mine");
    assert_eq!(project.content("out"), bare);
    fs::create_dir(project.at("out/x/empty")).unwrap();
    assert_ne!(project.content("out"), bare, "an empty folder does");
}

#[test]
fn the_project_its_cache_and_its_repository_are_never_touched() {
    // In a folder of its own, so that nothing but test data lies above it; `/` is for a test beside the code.
    let outer = Project::new();
    outer.write("p/sub/a", "a");
    outer.write("p/.git/HEAD", "ref");
    let store = Store::open(&outer.at("p"), Path::new(".cache")).unwrap();
    let content = store.commit(&path("sub")).unwrap().unwrap();
    symlink("..", outer.at("p/sub/up")).unwrap();
    symlink("../..", outer.at("p/sub/top")).unwrap();
    symlink(".cache", outer.at("p/to_cache")).unwrap();
    let absolute = store.root().to_str().unwrap();
    let vital = [
        ".",
        "..",
        absolute,
        "sub/top/p",
        ".cache",
        ".cache/objects-v1",
        "sub/up/.cache/tmp",
        "to_cache",
        "to_cache/objects-v1",
        ".git",
        ".git/new/index",
        "sub/up/.git/HEAD",
    ];
    for name in vital {
        let refusals = [
            store.remove(&path(name)),
            store.remove_content(&path(name)).map(drop),
            store.restore(&content, &path(name)),
        ];
        for refusal in refusals {
            let refused = matches!(refusal, Err(Error::Forbidden { .. }));
            assert!(refused, "{name}: {refusal:?}");
        }
    }
    assert_eq!(outer.read("p/.git/HEAD"), "ref");
    assert_eq!(outer.read("p/sub/a"), "a");
    assert!(store.has(&content));
    store.remove(&path("sub/up")).unwrap(); // the link alone
    store.restore(&content, &path(".github/x")).unwrap();
}

#[test]
fn a_cache_reached_through_a_link_is_guarded() {
    let (project, elsewhere) = (Project::new(), tempfile::tempdir().unwrap());
    symlink(elsewhere.path(), project.at(".cache")).unwrap();
    let store = Store::open(project.root(), Path::new(".cache")).unwrap();
    for name in [
        ".cache",
        ".cache/objects-v1",
        elsewhere.path().to_str().unwrap(),
    ] {
        let refusal = store.remove_content(&path(name));
        assert!(
            matches!(refusal, Err(Error::Forbidden { .. })),
            "{name}: {refusal:?}"
        );
    }
    assert!(project.at(".cache").symlink_metadata().is_ok());
}

#[test]
fn a_file_whose_bytes_are_right_only_gets_its_bit() {
    let project = Project::new();
    project.write("run", "x");
    make_executable(&project.at("run"));
    let content = project.commit("run");
    let inode = || fs::metadata(project.at("run")).unwrap().ino();
    let before = inode();
    let plain = fs::Permissions::from_mode(0o640);
    fs::set_permissions(project.at("run"), plain).unwrap();
    project.store.restore(&content, &path("run")).unwrap();
    assert!(is_executable(&project.at("run")));
    assert_eq!((inode(), project.content("run")), (before, content));

    let mut bare = content;
    bare.executable = false;
    project.store.restore(&bare, &path("run")).unwrap();
    assert_eq!((inode(), project.content("run")), (before, bare));
}

#[test]
fn the_bit_is_never_set_on_an_object_or_through_a_link() {
    let project = Project::new();
    project.write("d/run", "x");
    let plain = project.commit("d/run");
    make_executable(&project.at("d/run"));
    let (file, folder) = (project.commit("d/run"), project.commit("d"));
    let store = project.another_store().with_links(&[LinkType::Hardlink]);
    store.restore(&plain, &path("linked")).unwrap();
    store.restore(&file, &path("linked")).unwrap();
    fs::remove_file(project.at("d/run")).unwrap();
    store.restore(&plain, &path("d/run")).unwrap();
    store.restore(&folder, &path("d")).unwrap();
    assert!(is_executable(&project.at("linked")) && is_executable(&project.at("d/run")));
    assert!(!is_executable(&project.object(&plain)));

    project.write("other", "x");
    for (content, name) in [(&file, "d/run"), (&folder, "d")] {
        fs::remove_file(project.at("d/run")).unwrap();
        symlink("../other", project.at("d/run")).unwrap();
        store.restore(content, &path(name)).unwrap();
        assert!(is_executable(&project.at("d/run")) && !is_executable(&project.at("other")));
    }
}
